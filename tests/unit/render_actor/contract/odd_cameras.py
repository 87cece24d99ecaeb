"""Cameras that are unlike SAM-6D's: not square, fx other than fy, the principal point off the middle, one for each view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 120, 88

UNEQUAL = np.array([[160.0, 0, 66.3], [0, 130.0, 40.1], [0, 0, 1]])


def odd_intrinsics(views: int) -> NDArray[np.float64]:
    """(N, 3, 3) another matrix for each view, all near to ``UNEQUAL``."""
    matrices = np.tile(UNEQUAL, (views, 1, 1))
    matrices[:, 0, 0] += np.arange(views) * 0.37
    matrices[:, 1, 1] -= np.arange(views) * 0.21
    matrices[:, 0, 2] -= np.arange(views) * 0.11
    return matrices
