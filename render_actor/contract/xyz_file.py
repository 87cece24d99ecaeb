"""The file of a view's object coordinates, and the form in which these travel."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BACKGROUND = -1
"""The coordinates of a pixel that is not on the object."""

_PIXEL = np.dtype("V6")
"""The three coordinates of a pixel as one value, so that they are copied as one."""

_npy: Any = np.lib.format  # Its types are not declared.


def xyz_header(height: int, width: int) -> bytes:
    """What the file of (height, width, 3) coordinates begins with; these follow, row by row."""
    header = io.BytesIO()
    _npy.write_array_header_1_0(header, {"descr": "<f2", "fortran_order": False, "shape": (height, width, 3)})
    return header.getvalue()


def xyz_file(xyz: NDArray[np.float16]) -> bytes:
    """NPY of (H, W, 3) float16 object coordinates: equal arrays give equal bytes, whoever writes them."""
    return xyz_header(*xyz.shape[:2]) + xyz.tobytes()


@dataclass(frozen=True)
class PackedXyz:
    """Object coordinates without the background: about a fifth of the file.

    Attributes:
        height: of the image.
        width: of it.
        mask_bits: (ceil(H W / 8),) uint8, one bit a pixel, row by row, set on the object.
        points: (N, 3) float16, one row for each such pixel.
        sha256: of the bits and the points, in hex: to hash these takes a quarter of the time that the file takes.
    """

    height: int
    width: int
    mask_bits: NDArray[np.uint8]
    points: NDArray[np.float16]
    sha256: str


def packed(xyz: NDArray[np.float16], mask: NDArray[np.bool_]) -> PackedXyz:
    """Leave the background out.

    Args:
        xyz: (H, W, 3) float16.
        mask: (H, W) bool, true on the object.
    """
    bits, points = np.packbits(mask), xyz[mask]
    return PackedXyz(mask.shape[0], mask.shape[1], bits, points, _sha256(bits, points))


def _sha256(mask_bits: NDArray[np.uint8], points: NDArray[np.float16]) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(mask_bits).data)
    digest.update(np.ascontiguousarray(points).data)
    return digest.hexdigest()


def unpacked_file(xyz: PackedXyz) -> memoryview:
    """The file of packed coordinates, as ``xyz_file`` gives it of those that were packed, ``BACKGROUND`` off the mask.

    Raises:
        ValueError: these are not what was packed.
    """
    pixels, header = xyz.height * xyz.width, xyz_header(xyz.height, xyz.width)
    mask = np.unpackbits(xyz.mask_bits, count=pixels).view(np.bool_)
    on_object = np.count_nonzero(mask)
    if xyz.points.shape != (on_object, 3):
        raise ValueError(f"{len(xyz.points)} points do not fill a mask of {on_object} pixels")
    if _sha256(xyz.mask_bits, xyz.points) != xyz.sha256:
        raise ValueError("the coordinates are not those that were packed")
    content = np.empty(len(header) + pixels * _PIXEL.itemsize, dtype=np.uint8)
    content[: len(header)] = np.frombuffer(header, dtype=np.uint8)
    content[len(header) :].view("<f2")[:] = BACKGROUND
    content[len(header) :].view(_PIXEL)[mask] = np.ascontiguousarray(xyz.points, dtype="<f2").view(_PIXEL)[:, 0]
    return content.data
