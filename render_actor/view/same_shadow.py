"""Remembers where all rays to the lamp have said the same, so that no more of them are cast there."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_WINDOW = (5, 5)
"""Pixels whose rays must all say the same: a shadow that is far thinner is none that shows."""

_SURE_RAYS = 100
"""In a window: where they all reach the lamp, likely not one of thirty does not, and the mean light is off by a 250th at most."""


class SameShadow:
    """The rays to the lamp of one view.

    Args:
        shape: (rows, columns) of the view's pixels.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._reached, self._stopped = np.zeros((2, *shape), dtype=np.float32)

    def add(self, rows: NDArray[np.int64], columns: NDArray[np.int64], shadow: NDArray[np.int8]) -> None:
        """Take what rays have met.

        Args:
            rows: (R,) of the rays' pixels, each pixel at most once.
            columns: (R,) the same.
            shadow: (R,) as ``Lit`` tells it.
        """
        self._reached[rows, columns] += shadow == -1
        self._stopped[rows, columns] += shadow == 1

    def known(self) -> NDArray[np.int8]:
        """(rows, columns) 1 in the shadow, -1 in the light, and 0 where a ray must tell."""
        reached, stopped = (
            cv2.boxFilter(rays, -1, _WINDOW, normalize=False, borderType=cv2.BORDER_CONSTANT) for rays in (self._reached, self._stopped)
        )
        lit, dark = (stopped == 0) & (reached >= _SURE_RAYS), (reached == 0) & (stopped >= _SURE_RAYS)
        return dark.astype(np.int8) - lit.astype(np.int8)
