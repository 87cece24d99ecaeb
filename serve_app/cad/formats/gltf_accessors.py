"""Checks the arrays of a glTF file before memory is taken for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.formats.gltf_file import GltfFile, count_in, is_count
from serve_app.cad.refusals import quoted

_BYTES = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}
_UNSIGNED = (5121, 5123, 5125)
_TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_LARGEST = {5120: 127.0, 5121: 255.0, 5122: 32767.0, 5123: 65535.0}
_COLUMNS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


@dataclass(frozen=True)
class Accessor:
    """An array of a file, all of which is there.

    Attributes:
        index: its number in the file.
        count: rows.
        columns: numbers in a row.
        unsigned: whole numbers of 0 or more.
        header: as the file describes it.
    """

    index: int
    count: int
    columns: int
    unsigned: bool
    header: dict[str, Any]

    @property
    def normalized(self) -> bool:
        """Whether its whole numbers stand for 0..1 or -1..1."""
        return self.header.get("normalized") is True


def accessor(gltf: GltfFile, index: Any, owner: str) -> Accessor:
    """An accessor that ``owner`` refers to.

    Raises:
        ValueError: what it describes is not in the file.
    """
    header = gltf.entry("accessors", index, owner)
    what = f"accessor {index}"
    component, kind = header.get("componentType"), header.get("type")
    if not is_count(component) or component not in _BYTES or not isinstance(kind, str) or kind not in _COLUMNS:
        raise ValueError(f"{what} is of type {quoted(str(kind))} and component type {quoted(str(component))}, which {owner} cannot be")
    count, offset = count_in(header, "count", what), count_in(header, "byteOffset", what, 0)
    row = _BYTES[component] * _COLUMNS[kind]
    if "bufferView" in header:
        stride = count_in(gltf.entry("bufferViews", header["bufferView"], what), "byteStride", what, row)
        if stride < row:
            raise ValueError(f"{what} has rows of {row} bytes every {stride} bytes")
        _check_size(gltf, header["bufferView"], offset + (count - 1) * stride + row if count else 0, what)
    elif "sparse" not in header:
        raise ValueError(f"{what} has no data; if the file is compressed, export it without compression")
    if "sparse" in header:
        _check_sparse(gltf, header["sparse"], row, count, what)
    return Accessor(index, count, _COLUMNS[kind], component in _UNSIGNED, header)


def _check_sparse(gltf: GltfFile, sparse: Any, row: int, count: int, what: str) -> None:
    """Check the rows that a sparse accessor puts in the place of others."""
    places, values = (sparse.get(key) if isinstance(sparse, dict) else None for key in ("indices", "values"))
    if not isinstance(places, dict) or not isinstance(values, dict):
        raise ValueError(f"{what} is sparse, and does not say which rows it changes; export it without sparse accessors")
    changed = count_in(sparse, "count", what)
    if changed > count:
        raise ValueError(f"{what} is sparse, and changes {changed} rows of {count}; the file is damaged")
    kind = places.get("componentType")
    if not is_count(kind) or kind not in _UNSIGNED:
        raise ValueError(f"{what} is sparse, and its indices are of component type {quoted(str(kind))}, which they cannot be")
    for entry, bytes_a_row in ((places, _BYTES[kind]), (values, row)):
        _check_size(gltf, entry.get("bufferView"), count_in(entry, "byteOffset", what, 0) + changed * bytes_a_row, what)


def _check_size(gltf: GltfFile, view: Any, needed: int, what: str) -> None:
    size = len(gltf.view(view, what))
    if needed > size:
        raise ValueError(f"{what} needs {needed} bytes of buffer view {view}, which has {size}; the file is damaged")


def stored(gltf: GltfFile, array: Accessor) -> NDArray[Any]:
    """(count, columns) numbers of an accessor as they are stored; a copy only where it is sparse.

    Raises:
        ValueError: a sparse one changes a row that is not there.
    """
    header, what = array.header, f"accessor {array.index}"
    kind, shape = np.dtype(_TYPES[header["componentType"]]), (array.count, array.columns)
    rows: NDArray[Any] = np.zeros(shape, kind)
    if array.count and "bufferView" in header:
        stride = gltf.entries("bufferViews")[header["bufferView"]].get("byteStride", kind.itemsize * array.columns)
        data, start = gltf.view(header["bufferView"], what), header.get("byteOffset", 0)
        rows = np.ndarray(shape, kind, data, start, (stride, kind.itemsize))
    sparse = header.get("sparse")
    if sparse and sparse["count"]:
        places, values = sparse["indices"], sparse["values"]
        changed, of_values = sparse["count"], sparse["count"] * array.columns
        view, start = gltf.view(places["bufferView"], what), places.get("byteOffset", 0)
        where = np.frombuffer(view, _TYPES[places["componentType"]], changed, start)
        if where.max() >= array.count:
            raise ValueError(f"{what} is sparse, and changes row {where.max()} of {array.count}; the file is damaged")
        rows = rows.copy()
        view, start = gltf.view(values["bufferView"], what), values.get("byteOffset", 0)
        rows[where] = np.frombuffer(view, kind, of_values, start).reshape(-1, array.columns)
    return rows


def meant(values: NDArray[Any], array: Accessor, *, fractions: bool = False) -> NDArray[np.float64]:
    """Numbers as the format means them.

    Args:
        values: as they are stored.
        array: that they come from. Where its whole numbers are ``normalized`` they are 0..1, or -1..1 where they are signed.
        fractions: whole numbers are always so, whatever it says: of colours.
    """
    result = np.asarray(values, dtype=np.float64)
    largest = _LARGEST.get(array.header["componentType"])
    return result if largest is None or not (fractions or array.normalized) else np.maximum(result / largest, -1.0)
