"""Cycles' pixel filter as weights of points that lie regularly in each pixel.

Cycles draws the place of each sample from the filter; so a pixel is the mean over the filter, which reaches into the pixels around it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FILTER_WIDTH = 1.5
"""Pixels, as Blender counts: a Blackman-Harris window of twice the width, so that it reaches so far to each side."""

PASSES = 4
"""Parts of the points, each a lattice of its own: one is enough for most pixels."""

POINTS = 16
"""Of one pass, in each pixel. With the pixels around it, 144 points tell its mean."""

_STEP = 37
"""Of a lattice of rank 1: all points differ in both coordinates, so that an upright outline is met as well as a slanted one. Modulo the
points of one pass it is 5, which is as good for these."""

_ORDER = (0, 2, 1, 3)
"""Of the passes: the first two together are a lattice, too."""


def lattice(part: int) -> NDArray[np.float64]:
    """(POINTS, 2) places in a pixel, x right and y down, -0.5..0.5 from its centre.

    Args:
        part: which of the passes.
    """
    number = np.arange(_ORDER[part], PASSES * POINTS, PASSES)
    return (np.stack([number, number * _STEP % (PASSES * POINTS)], axis=-1) + 0.5) / (PASSES * POINTS) - 0.5


NET = 64
"""Points of a digital net in each pixel."""


def net(first: int, last: int) -> NDArray[np.float64]:
    """(last - first, 2) of a pixel's ``NET`` places, as ``lattice``; the first 4 and the first 16 are well spread, too.

    They are Sobol's first two dimensions.
    """
    numbers = np.arange(first, last)
    x, y = np.zeros((2, len(numbers)), dtype=np.int64)
    direction = NET // 2
    for bit in range(NET.bit_length() - 1):
        one = numbers >> bit & 1
        x ^= one * (NET // 2 >> bit)
        y ^= one * direction
        direction ^= direction >> 1
    return (np.stack([x, y], axis=-1) + 0.5) / NET - 0.5


def kernels(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P, 3, 3) weights of points in the pixels around, rows above to below; over all points they sum to 1.

    Args:
        points: (P, 2) places in a pixel, as ``lattice`` gives them.
    """
    offsets = np.array([-1.0, 0.0, 1.0])
    weights = _window(offsets[None, :, None] + points[:, 1, None, None]) * _window(offsets[None, None, :] + points[:, 0, None, None])
    return np.asarray(weights / weights.sum())


def _window(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blackman and Harris's window (four terms) at a distance from its middle, in pixels."""
    angle = 2 * np.pi * (distance / (2 * FILTER_WIDTH) + 0.5)
    inside = np.abs(distance) < FILTER_WIDTH
    value = 0.35875 - 0.48829 * np.cos(angle) + 0.14128 * np.cos(2 * angle) - 0.01168 * np.cos(3 * angle)
    return np.where(inside, value, 0.0)
