"""Reads the data of PLY files, ascii and binary, into arrays: a column for each property."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.formats.ply_header import Element, Lists, Property, read_header
from serve_app.cad.limits import CadLimits
from serve_app.cad.refusals import quoted
from serve_app.cad.text.numbers import count_of_words, numbers_in

_STRUCT = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q", "u8": "Q", "f2": "e", "f4": "f", "f8": "d"}


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
    order, elements, texture_file, body = read_header(data)
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
