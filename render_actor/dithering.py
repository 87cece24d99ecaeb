"""Blender's dithering of 8-bit images, pixel for pixel, so that a part of a picture is dithered as the whole would be.

Blender hashes a pixel's coordinates (the integer hash ``iqint3`` of "Hash Functions for GPU Rendering", JCGT 9(3), 2020)
into noise of a triangular distribution, and adds it before it rounds. It counts from the corner of what it saves; a
picture that was rendered in part must be dithered here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_AMPLITUDE = 0.0033
"""Largest noise, of a white of 1; as Blender has it."""

_FACTOR = np.uint32(1103515245)


def dithered(image: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """An 8-bit image of a 16-bit one, as Blender saves it with a dither intensity of 1.

    Args:
        image: (H, W, 3) uint16, the whole picture, first row on top.

    Returns:
        (H, W, 3) uint8.
    """
    height, width = image.shape[:2]
    values = image / 65535.0 + _AMPLITUDE * _noise(width, height)[..., None]
    return np.floor(np.clip(values, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def _noise(width: int, height: int) -> NDArray[np.float64]:
    """(H, W) noise of -1..1; Blender's rows count from the bottom."""
    x, y = np.meshgrid(np.arange(width, dtype=np.uint32), np.arange(height, dtype=np.uint32)[::-1])
    across, down = _FACTOR * ((x >> 1) ^ y), _FACTOR * ((y >> 1) ^ x)
    even = (_FACTOR * (across ^ (down >> 3))) / np.float64(0xFFFFFFFF) * 2.0 - 1.0
    triangular: NDArray[np.float64] = np.sign(even) * (1.0 - np.sqrt(1.0 - np.abs(even)))
    return triangular
