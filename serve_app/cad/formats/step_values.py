"""Finds values of a STEP file that are no numbers where OpenCASCADE wants some: it takes most of them for 0 without a word."""

from __future__ import annotations

import re

from serve_app.cad.refusals import quoted

_NUMBER = rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NAME = rb"\(\s*(?:'(?:[^']|'')*'|\$|\*)\s*,"
_TRIPLE = rb"\s*\(\s*" + _NUMBER + rb"\s*(?:,\s*" + _NUMBER + rb"\s*){0,2}\)"

_POINT = re.compile(rb"#(\d+)\s*=\s*(CARTESIAN_POINT|DIRECTION)\s*" + _NAME + rb"(?!" + _TRIPLE + rb")")
"""A point or a direction with something else than one to three numbers."""

_LENGTH = re.compile(
    rb"#(\d+)\s*=\s*(CIRCLE|VECTOR|ELLIPSE|(?:CYLINDRICAL|SPHERICAL|CONICAL|TOROIDAL)_SURFACE)\s*"
    + _NAME
    + rb"\s*#\d+\s*,(?=\s*['\"#$*(]|\.[A-Za-z]|[-+]?(?:nan|inf))",
    re.IGNORECASE,
)
"""A radius or a length that cannot be one."""

_VALUE = re.compile(rb"\s*\((?:[^()']|'[^']*'){0,200}\)?|[^,()]{0,200}")
_COMMENT = b"/*"


def check_values(data: bytes) -> None:
    """Refuse a file with a coordinate, a direction or a radius that is no number.

    Both patterns go through the text once; nothing else is read of it.

    Raises:
        ValueError: names the entity, its line and what it has there.
    """
    for pattern, what in ((_POINT, "coordinates"), (_LENGTH, "a length")):
        for found in pattern.finditer(data):
            text = _VALUE.match(data, found.end())
            value = text.group().strip() if text else b""
            if _COMMENT in value or _COMMENT in found.group():
                continue  # Allowed anywhere, and no writer puts one here.
            number, kind = found.group(1).decode(), found.group(2).decode()
            line = data.count(b"\n", 0, found.start()) + 1
            raise ValueError(
                f"its entity #{number}, a {kind} in line {line}, has {quoted(value.decode('utf-8', 'replace'))} where {what} should be: "
                "it is damaged; save it anew, or export it as AP214 or AP242"
            )
