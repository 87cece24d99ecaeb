"""Reads PLY files, ascii and binary, into arrays: a column for each property."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.limits import CadLimits
from serve_app.cad.refusals import quoted
from serve_app.cad.text.numbers import count_of_words, numbers_in

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
_STRUCT = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q", "u8": "Q", "f2": "e", "f4": "f", "f8": "d"}


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


@dataclass(frozen=True)
class PlyFile:
    """Elements by name, and the file that ``comment TextureFile`` names."""

    elements: dict[str, Element]
    texture_file: str | None


def read_ply(data: bytes, limits: CadLimits) -> PlyFile:
    """Read a PLY file.

    Args:
        data: the file.
        limits: the counts in the header are held against them, and against the file's length, before anything is read.

    Raises:
        ValueError: it is damaged; what is wrong.
        ServiceError: ``cad_too_large``.
    """
    order, elements, texture_file, body = _header(data)
    for element in elements.values():
        limits.check_vertices(element.count, f"entries of {quoted(element.name)}")
    if "face" in elements:
        limits.check_faces(elements["face"].count)
    if order:
        rows, types = data, {}
    else:
        _check_count(elements, count_of_words(data[body:]), limits)
        # As if it were a binary file of nothing but doubles.
        numbers = numbers_in(data[body:])
        rows, order, body, types = numbers.astype("<f8", copy=False).tobytes(), "<", 0, dict.fromkeys(_STRUCT, "f8")
    _check_length(elements, types, len(rows) - body)
    for element in elements.values():
        body = _read(element, rows, body, order, types)
    rest = rows[body:]
    if types and rest:
        raise ValueError(f"it holds {len(rest) // 8} numbers more than its header declares")
    if rest.strip(b"\0\r\n\t "):
        raise ValueError(f"it goes on for {len(rest)} bytes after what its header declares")
    return PlyFile(elements, texture_file)


def _header(data: bytes) -> tuple[str, dict[str, Element], str | None, int]:
    """Byte order ('' for ascii), elements, texture file, and where the data begins."""
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


def _check_length(elements: dict[str, Element], types: dict[str, str], length: int) -> None:
    """Refuse a file that cannot hold what its header declares, before memory is taken for it."""
    least = sum(
        element.count * sum(np.dtype(types.get(kind := prop.count_type or prop.type, kind)).itemsize for prop in element.properties)
        for element in elements.values()
    )
    if least > length:
        unit = 1 if not types else 8
        what = "bytes" if not types else "numbers"
        raise ValueError(f"it ends too early: its header declares at least {least // unit} {what} of data, and {length // unit} are there")


def _check_count(elements: dict[str, Element], words: int, limits: CadLimits) -> None:
    """Refuse text with far more numbers than its header can mean, before they are read."""
    most = 0
    for element in elements.values():
        lists = sum(prop.count_type is not None for prop in element.properties)
        # The longest lists that faces may have: as many corners as triangles are allowed, and two coordinates for each.
        most += element.count * len(element.properties) + lists * 2 * (limits.faces + 2 * element.count)
    if words > most:
        raise ValueError(f"it holds {words} numbers, more than its header declares")


def _read(element: Element, rows: bytes, start: int, order: str, types: dict[str, str]) -> int:
    """Read an element's data; returns where it ends."""
    if not element.count or not element.properties:
        return start
    layout = [(prop, order + types.get(prop.type, prop.type), _ordered(order, types, prop.count_type)) for prop in element.properties]
    end = _read_even(element, layout, rows, start)
    return _read_uneven(element, layout, rows, start) if end is None else end


def _ordered(order: str, types: dict[str, str], kind: str | None) -> str | None:
    return None if kind is None else order + types.get(kind, kind)


_Layout = list[tuple[Property, str, str | None]]


def _read_even(element: Element, layout: _Layout, rows: bytes, start: int) -> int | None:
    """Read an element all of whose rows are as long as its first; None when they are not."""
    fields: list[Any] = []
    lengths: dict[str, int] = {}
    size = 0
    for place, (_, kind, count_kind) in enumerate(layout):
        if count_kind is None:
            fields.append((f"value{place}", kind))
            size += np.dtype(kind).itemsize
            continue
        length = _count_at(rows, start + size, count_kind)
        size += np.dtype(count_kind).itemsize + length * np.dtype(kind).itemsize
        if start + size > len(rows):
            raise ValueError(f"it ends too early: in the first {quoted(element.name)}, in a list of {length}")
        fields += [(f"count{place}", count_kind), (f"value{place}", kind, (length,))]
        lengths[f"count{place}"] = length
    end = start + element.count * size
    if end > len(rows):
        return None
    table = np.frombuffer(rows, np.dtype(fields), element.count, start)
    if any((table[name] != length).any() for name, length in lengths.items()):
        return None
    for place, (prop, _, count_kind) in enumerate(layout):
        values = _typed(table[f"value{place}"].reshape(-1), prop.type)
        counts = np.full(element.count, lengths.get(f"count{place}", 0), dtype=np.int64)
        element.data[prop.name] = values if count_kind is None else Lists(counts, values)
    return end


def _count_at(rows: bytes, position: int, kind: str) -> int:
    """The length of a list, as it stands in the file."""
    try:
        count = struct.unpack_from(kind[0] + _STRUCT[kind[1:]], rows, position)[0]
    except struct.error as error:
        raise ValueError("it ends too early: in the length of a list") from error
    if not 0 <= count < 2**32 or count != int(count):
        raise ValueError(f"it has a list of length {count}")
    return int(count)


def _read_uneven(element: Element, layout: _Layout, rows: bytes, start: int) -> int:
    """Read an element whose rows differ in length."""
    begins = [np.empty(element.count, dtype=np.int64) for _ in layout]
    counts = [np.ones(element.count, dtype=np.int64) for _ in layout]
    steps = [
        (
            begins[place],
            counts[place],
            np.dtype(kind).itemsize,
            None if count_kind is None else struct.Struct(count_kind[0] + _STRUCT[count_kind[1:]]),
        )
        for place, (_, kind, count_kind) in enumerate(layout)
    ]
    position, length = start, len(rows)
    for row in range(element.count):
        for begin, count, size, counter in steps:
            if counter is None:
                begin[row] = position
                position += size
                continue
            if position + counter.size > length:
                raise ValueError(f"it ends too early: at {quoted(element.name)} {row} of {element.count}")
            items = counter.unpack_from(rows, position)[0]
            if not 0 <= items < 2**32 or items != int(items):
                raise ValueError(f"{quoted(element.name)} {row} has a list of length {items}")
            position += counter.size
            begin[row] = position
            count[row] = items = int(items)
            position += items * size
        if position > length:
            raise ValueError(f"it ends too early: at {quoted(element.name)} {row} of {element.count}")
    for place, (prop, kind, count_kind) in enumerate(layout):
        values = _typed(_gathered(rows, begins[place], counts[place], kind), prop.type)
        element.data[prop.name] = values if count_kind is None else Lists(counts[place], values)
    return position


def _gathered(rows: bytes, begins: NDArray[np.int64], counts: NDArray[np.int64], kind: str) -> NDArray[Any]:
    """Values that lie in runs at byte positions."""
    size = np.dtype(kind).itemsize
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    positions = np.repeat(begins, counts) + nth * size
    raw = np.frombuffer(rows, np.uint8)[positions[:, None] + np.arange(size)]
    return np.ascontiguousarray(raw).view(kind).reshape(-1)


def _typed(values: NDArray[Any], kind: str) -> NDArray[Any]:
    """Values in the declared type and the machine's byte order; ascii files may hold what does not fit it."""
    if values.dtype.kind == "f" and kind[0] in "iu":
        limits = np.iinfo(kind)
        wrong = values[~((values >= limits.min) & (values <= limits.max) & (values == np.floor(values)))]
        if len(wrong):
            raise ValueError(f"it has the value {wrong[0]:g} where its header declares whole numbers from {limits.min} to {limits.max}")
    return values.astype(kind)
