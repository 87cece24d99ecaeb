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
    if "sparse" in header:
        raise ValueError(f"{what} is sparse, which is not read; export the file without sparse accessors")
    if "bufferView" not in header:
        raise ValueError(f"{what} has no data; if the file is compressed, export it without compression")
    row = _BYTES[component] * _COLUMNS[kind]
    stride = count_in(gltf.entry("bufferViews", header["bufferView"], what), "byteStride", what, row)
    size = len(gltf.view(header["bufferView"], what))
    if stride < row:
        raise ValueError(f"{what} has rows of {row} bytes every {stride} bytes")
    if count and offset + (count - 1) * stride + row > size:
        raise ValueError(
            f"{what} needs {offset + (count - 1) * stride + row} bytes of buffer view {header['bufferView']}, which has {size}; "
            "the file is damaged"
        )
    return Accessor(index, count, _COLUMNS[kind], component in _UNSIGNED, header)


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
