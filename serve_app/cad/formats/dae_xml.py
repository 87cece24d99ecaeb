"""Goes through the XML of a COLLADA file before pycollada does, for what that does not look at."""

from __future__ import annotations

import re

from serve_app.cad.limits import MAX_INSTANCES
from serve_app.cad.mesh.parts import part_name
from serve_app.cad.refusals import quoted, too_large
from serve_app.cad.text.xml import parse_xml

_MAX_DEPTH = 256
_NAN = re.compile(rb"[\s>][+-]?nan[\s<]", re.IGNORECASE)
_NODES = ("node", "instance_geometry", "instance_node", "instance_controller")


def check_xml(data: bytes) -> None:
    """Refuse what pycollada would read wrongly, or without end.

    Its parser expands entities: here a file with a document type, and so with entities, is refused.

    Raises:
        ValueError: the XML is damaged, or is no COLLADA; or an accessor skips numbers, which pycollada takes for coordinates.
        ServiceError: ``cad_too_large``.
    """
    check = _Check()
    parse_xml(data, check.start, check.end)
    if _NAN.search(data):  # pycollada makes zeros of them.
        raise ValueError("it has NaN among its numbers; export it anew")


class _Check:
    def __init__(self) -> None:
        self._depth, self._nodes, self._stride, self._params = 0, 0, 0, 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._depth == 0 and tag != "COLLADA":
            raise ValueError(f"its root is <{part_name(tag)[:40]}>, not <COLLADA>; save it anew")
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError(f"its tags are nested deeper than {_MAX_DEPTH}; save it anew")
        if tag in _NODES:
            self._nodes += 1
            if self._nodes > MAX_INSTANCES:
                too_large(f"it has more than {MAX_INSTANCES} nodes and instances; join those that belong together")
        elif tag == "accessor":
            self._stride, self._params = _whole(attributes, "stride", 1), 0
            if _whole(attributes, "offset", 0):
                raise ValueError("an <accessor> of it begins in the middle of its numbers (offset), which is not read; save it anew")
        elif tag == "param":
            self._params += 1

    def end(self, tag: str) -> None:
        self._depth -= 1
        if tag == "accessor" and self._params and self._stride != self._params:
            raise ValueError(f"an <accessor> of it has stride {self._stride} and {self._params} <param>, which is not read; save it anew")


def _whole(attributes: dict[str, str], name: str, default: int) -> int:
    text = attributes.get(name, str(default))
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"the {name} {quoted(text)} of an <accessor> of it is no whole number; save it anew") from error
