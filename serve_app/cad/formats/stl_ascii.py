"""Reads the coordinates of ascii STL text."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.text.numbers import numbers_in

_SOLID = re.compile(rb"solid\b[^\n]*")
_NORMAL = re.compile(rb"facet\s+normal(?:\s+[^\s]+){3}")
_WORDS = re.compile(rb"\b(?:outer\s+loop|endloop|endfacet|vertex)\b")


def coordinates_in(text: bytes) -> NDArray[np.float64]:
    """All numbers behind the word vertex.

    Args:
        text: in lower case, without its solid and endsolid lines.

    Raises:
        ValueError: there is something in it that does not belong there.
    """
    return numbers_in(_WORDS.sub(b" ", _NORMAL.sub(b" ", text)))


def without_names(text: bytes) -> bytes:
    """Text in lower case without the lines that begin with solid or endsolid: what follows these words may be anything."""
    pieces, begin = [], 0
    for found in _SOLID.finditer(text):
        start = text.rfind(b"\n", 0, found.start()) + 1
        if text[start : found.start()].lstrip(b" \t") in (b"", b"end"):
            pieces += [text[begin:start], b" "]
            begin = found.end()
    return b"".join([*pieces, text[begin:]])
