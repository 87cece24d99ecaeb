"""Pinhole matrices. Pixel centres have integer coordinates: the middle of an image of W x H pixels is at (W - 1) / 2, (H - 1) / 2."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FIELD_OF_VIEW = 0.691111
"""Full horizontal angle in radians of SAM-6D's templates: BlenderProc's default intrinsics."""


def pinhole(focal: float, width: int, height: int) -> NDArray[np.float64]:
    """The matrix of a camera with square pixels whose principal point is the middle of the image.

    Args:
        focal: length in pixels.
        width: in pixels.
        height: in pixels.

    Returns:
        (3, 3) float64.
    """
    return np.array([[focal, 0.0, (width - 1) / 2], [0.0, focal, (height - 1) / 2], [0.0, 0.0, 1.0]])


def stock_intrinsics(resolution: int) -> NDArray[np.float64]:
    """The matrix of SAM-6D's templates.

    Args:
        resolution: width and height of the square image in pixels.

    Returns:
        (3, 3) float64.
    """
    return pinhole(resolution / 2 / float(np.tan(FIELD_OF_VIEW / 2)), resolution, resolution)


def shared_intrinsics(intrinsics: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The (3, 3) matrix that all views have, or None where they differ.

    Args:
        intrinsics: (N, 3, 3) one for each view.
    """
    first: NDArray[np.float64] = intrinsics[0]
    return first if (intrinsics == first).all() else None


def horizontal_angle(intrinsics: NDArray[np.float64], width: int) -> float:
    """Full horizontal field of view in radians, from the left edge of the image to the right one.

    Args:
        intrinsics: (3, 3) pinhole matrix.
        width: of the image in pixels.
    """
    edges = (np.array([-0.5, width - 0.5]) - intrinsics[0, 2]) / intrinsics[0, 0]
    return float(np.ptp(np.arctan(edges)))
