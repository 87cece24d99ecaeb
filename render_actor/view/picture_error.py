"""How far a picture that is made of few points of each pixel is off, and where more of them are worth it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

_OF_SPREAD = 0.18
"""Of the standard deviation of what four points of each pixel, and those around it, see: about the error of their mean; 0.12 to 0.27 of it
on 8 CADs."""

FALLS = 0.75
"""Power of the number of points with which it falls: 0.5 where they lie by chance, 1 where they are well spread over something smooth."""

_AROUND = (3, 3)


def displayed(difference: NDArray[np.float32], slope: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(H, W) what a difference of pictures (H, W, 3) is as displayed, of 255, in the pixels around; 0 off the object."""
    return _root(np.square(difference * slope).mean(axis=-1), mask)


def by_chance(
    squares: NDArray[np.float32], image: NDArray[np.float32], slope: NDArray[np.float32], mask: NDArray[np.bool_], points: int
) -> NDArray[np.float32]:
    """(H, W) error of a picture of some points a pixel as displayed, of 255, by how different they are; 0 off the object.

    Two halves of the points tell less: on a print of fine lines, all points of a pixel may lie beside the line, and so may those of its
    neighbours, since they lie in the same places.

    Args:
        squares: (H, W) mean square of what a pixel's points see, summed over the channels.
        image: (H, W, 3) the mean of what they see.
        slope: (H, W, 3) of the view transform.
        mask: (H, W) the object's pixels.
        points: of each pixel.
    """
    variance = spread(squares, image) * displayed_part(image, slope)
    return np.float32(_OF_SPREAD * (4 / points) ** FALLS) * _root(variance, mask)


def spread(squares: NDArray[np.float32], image: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) variance of what a pixel's points see, summed over its channels; arguments as of ``by_chance``."""
    return np.asarray(np.maximum(squares - np.square(image).sum(axis=-1), 0))


def displayed_part(image: NDArray[np.float32], slope: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) factor that makes of such a variance that of the displayed colour, of 255²; arguments as of ``by_chance``."""
    return np.asarray(np.square(image * slope).sum(axis=-1) / np.maximum(np.square(image).sum(axis=-1), np.float32(1e-12)) / 3)


def rms(error: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Root mean square over the pixels of a mask."""
    return math.sqrt(float(np.square(error[mask]).sum()) / max(int(mask.sum()), 1))


def worst(error: NDArray[np.float32], allowed: float) -> NDArray[np.bool_]:
    """The fewest pixels without which the squares of the others sum to what is allowed."""
    squares = np.square(error.ravel().astype(np.float64))
    order = np.argsort(squares, kind="stable")
    chosen = np.zeros(error.size, dtype=bool)
    chosen[order[np.cumsum(squares[order]) > allowed**2 * np.count_nonzero(squares)]] = True
    return chosen.reshape(error.shape)


def _root(squares: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    around = cv2.blur(squares, _AROUND)
    return np.where(mask, np.sqrt(np.maximum(around, 0)), np.float32(0)).astype(np.float32)
