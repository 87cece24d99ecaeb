"""The file of a view's object coordinates, and the form in which these travel."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

BACKGROUND = -1
"""The coordinates of a pixel that is not on the object."""


def xyz_file(xyz: NDArray[np.float16]) -> bytes:
    """NPY of (H, W, 3) float16 object coordinates: equal arrays give equal bytes, whoever writes them."""
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(xyz), allow_pickle=False)
    return stream.getvalue()


def packed(xyz: NDArray[np.float16], mask: NDArray[np.bool_]) -> NDArray[np.float16]:
    """The coordinates of the object's pixels.

    Args:
        xyz: (H, W, 3) float16.
        mask: (H, W) bool, true on the object.

    Returns:
        (N, 3) float16, one row for each of the mask's pixels, row by row.
    """
    return xyz[mask]


def unpacked(points: NDArray[np.float16], mask: NDArray[np.bool_]) -> NDArray[np.float16]:
    """Inverse of ``packed``.

    Args:
        points: (N, 3) float16.
        mask: (H, W) bool with N pixels set.

    Returns:
        (H, W, 3) float16, ``BACKGROUND`` off the mask.

    Raises:
        ValueError: the mask has another number of pixels.
    """
    if points.shape != (int(mask.sum()), 3):
        raise ValueError(f"{points.shape[0]} points do not fill a mask of {int(mask.sum())} pixels")
    xyz = np.full((*mask.shape, 3), BACKGROUND, dtype=np.float16)
    xyz[mask] = points
    return xyz
