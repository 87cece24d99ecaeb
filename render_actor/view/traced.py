"""A view as it comes from the tracing: arrays, no files yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.view_quality import ViewQuality
from render_actor.view.surface_maps import SurfaceMaps


@dataclass(frozen=True)
class TracedView:
    """One view.

    Attributes:
        view: index of the camera.
        rgb: (H, W, 3) uint8.
        mask: (H, W) bool, true on the object.
        xyz: (H, W, 3) float16 object coordinates in mm, background -1.
        seconds: wall seconds that it took so far.
        quality: what was sampled for the image, and how near it comes to the converged one.
        surface: depth and normals, where a file is made of them.
    """

    view: int
    rgb: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    xyz: NDArray[np.float16]
    seconds: float
    quality: ViewQuality
    surface: SurfaceMaps | None = None
