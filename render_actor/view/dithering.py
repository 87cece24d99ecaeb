"""Blender's dithering of 8-bit images, pixel for pixel, so that a part of a picture is dithered as the whole would be.

Blender hashes a pixel's coordinates (the integer hash ``iqint3`` of "Hash Functions for GPU Rendering", JCGT 9(3), 2020)
into noise of a triangular distribution, and adds it before it rounds. It counts from the corner of what it saves; a
picture that was rendered in part must be dithered here.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_AMPLITUDE = 0.0033
"""Largest noise, of a white of 1; as Blender has it."""

_FACTOR = np.uint32(1103515245)


def dithered(part: NDArray[np.uint16], width: int, height: int, left: int = 0, top: int = 0) -> NDArray[np.uint8]:
    """8 bits of a part of a picture of 16 bits, as Blender saves the whole with a dither intensity of 1.

    Args:
        part: (H, W, 3) uint16, first row on top.
        width: of the whole.
        height: of the whole.
        left: column of the whole at which the part begins.
        top: row of the whole at which the part begins.

    Returns:
        (H, W, 3) uint8.
    """
    values = part * np.float32(255.0 / 65535.0)
    values += _noise(width, height)[top : top + part.shape[0], left : left + part.shape[1]]
    # Never below 0 after rounding by 0.5, so truncation is the floor.
    return np.minimum(np.maximum(values, 0.5), 255.0).astype(np.uint8)


@lru_cache(maxsize=4)
def _noise(width: int, height: int) -> NDArray[np.float32]:
    """(H, W, 1) noise, in steps of 8 bits, with the half that rounds; Blender's rows count from the bottom."""
    x, y = np.meshgrid(np.arange(width, dtype=np.uint32), np.arange(height, dtype=np.uint32)[::-1])
    across, down = _FACTOR * ((x >> 1) ^ y), _FACTOR * ((y >> 1) ^ x)
    even = (_FACTOR * (across ^ (down >> 3))) / np.float64(0xFFFFFFFF) * 2.0 - 1.0
    triangular = np.sign(even) * (1.0 - np.sqrt(1.0 - np.abs(even)))
    return np.asarray(triangular * (255.0 * _AMPLITUDE) + 0.5, dtype=np.float32)[..., None]
