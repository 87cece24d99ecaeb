"""Reads the headers of PLY files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.refusals import quoted

_MAX_HEADER = 1024**2
_MAX_ELEMENTS = 64
_MAX_PROPERTIES = 256
_END = re.compile(rb"(?:^|[\r\n])[ \t]*end_header[ \t]*(\r\n|\n|\r)")
_TEXTURE_FILE = re.compile(r"comment\s+TextureFile\s+(.+)", re.IGNORECASE)
_FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_TYPES = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4", "double": "f8"},
    **{"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "int64": "i8", "uint64": "u8"},
    **{"float16": "f2", "float32": "f4", "float64": "f8"},
}


@dataclass(frozen=True)
class Lists:
    """A list property: row ``i`` has ``counts[i]`` of ``values``, which follow each other."""

    counts: NDArray[np.int64]
    values: NDArray[Any]


@dataclass(frozen=True)
class Property:
    """A property as the header declares it; ``count_type`` is None for a single value. Types are numpy's, without byte order."""

    name: str
    type: str
    count_type: str | None


@dataclass
class Element:
    """An element as the header declares it, and its data once that is read, by property."""

    name: str
    count: int
    properties: list[Property] = field(default_factory=list)
    data: dict[str, NDArray[Any] | Lists] = field(default_factory=dict)

    def column(self, name: str) -> NDArray[Any] | None:
        """(N,) values of a property that is no list, or None."""
        found = self.data.get(name)
        return found if isinstance(found, np.ndarray) else None

    def columns(self, *names: str) -> NDArray[Any] | None:
        """(N, len(names)) values, or None when one of the properties is missing."""
        found = [self.column(name) for name in names]
        return None if any(column is None for column in found) else np.stack([c for c in found if c is not None], axis=1)

    def lists(self, *names: str) -> Lists | None:
        """The first list property of one of these names, or None."""
        return next((found for name in names if isinstance(found := self.data.get(name), Lists)), None)


def read_header(data: bytes) -> tuple[str, dict[str, Element], str | None, int]:
    """Read a header.

    Returns:
        The byte order as numpy has it, or '' for ascii; the elements without data, by name; the file that ``comment TextureFile`` names;
        and where the data begins.

    Raises:
        ValueError: it is not a PLY header; what is wrong.
    """
    if data[:3].lower() != b"ply":
        raise ValueError("it does not begin with the word ply")
    end = _END.search(data, 0, _MAX_HEADER)
    if end is None:
        raise ValueError("its header has no end_header")
    elements: dict[str, Element] = {}
    order = texture_file = None
    for line in re.split(r"\r\n|\n|\r", data[3 : end.start()].decode("utf-8", "replace")):
        words = line.split()
        if not words or words[0] in ("comment", "obj_info"):
            named = _TEXTURE_FILE.fullmatch(line.strip())
            texture_file = named.group(1) if named else texture_file
        elif words[0] == "format" and len(words) == 3 and words[1] in _FORMATS:
            order = _FORMATS[words[1]]
        elif words[0] == "element" and len(words) == 3 and words[2].isascii() and words[2].isdecimal() and len(words[2]) < 20:
            if words[1] in elements or len(elements) >= _MAX_ELEMENTS:
                raise ValueError(f"its header declares the element {quoted(words[1])} twice, or too many elements")
            elements[words[1]] = Element(words[1], int(words[2]))
        elif words[0] == "property" and elements:
            _add_property(next(reversed(elements.values())), words)
        else:
            raise ValueError(f"its header has the line {quoted(line)}")
    if order is None:
        raise ValueError("its header names no format; ascii, binary_little_endian or binary_big_endian 1.0 is expected")
    return order, elements, texture_file, end.end()


def _add_property(element: Element, words: list[str]) -> None:
    types, name = words[1:-1], words[-1]
    count_type = None
    if len(types) == 3 and types[0] == "list":
        count_type, types = _TYPES.get(types[1]), types[2:]
        if count_type is None or count_type.startswith("f"):
            raise ValueError(f"its header has the line {quoted(' '.join(words))}: a list's length must be a whole number")
    if len(types) != 1 or types[0] not in _TYPES:
        raise ValueError(f"its header has the line {quoted(' '.join(words))}, which is no property that is known")
    if len(element.properties) >= _MAX_PROPERTIES or any(known.name == name for known in element.properties):
        raise ValueError(f"its header declares the property {quoted(name)} twice, or too many properties")
    element.properties.append(Property(name, _TYPES[types[0]], count_type))
