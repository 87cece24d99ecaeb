"""Holds what a pipeline reads against the CAD that was rendered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import trimesh
from numpy.typing import NDArray

from tests.readers.view import ReadView

Distances = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""(P,) mm from (P, 3) points, object frame, to the surface of a CAD."""

_POINTS = 100


def distances_to(mesh: trimesh.Trimesh) -> Distances:
    """The distances to a mesh in mm."""

    def distances(points: NDArray[np.float64]) -> NDArray[np.float64]:
        each = [trimesh.triangles.closest_point(mesh.triangles, np.tile(point, (len(mesh.faces), 1))) - point for point in points]
        return np.array([np.linalg.norm(found, axis=1).min() for found in each])

    return distances


def check_surface(view: ReadView, distances: Distances) -> None:
    """The points of a view lie on the CAD, as near as its files can tell."""
    points = view.points()
    assert len(points) > 20
    chosen = np.random.default_rng(0).permutation(len(points))[:_POINTS]
    if view.xyz is not None:
        nearest = 2.0**-10 * np.abs(points[chosen]).max() + 0.01  # What float16 rounds away.
    else:
        assert view.intrinsics is not None and view.depth is not None
        nearest = view.depth_step / 2 * _slant(view) + 0.01
    assert distances(points[chosen]).max() < nearest, (distances(points[chosen]).max(), nearest)
    off = ~view.mask
    assert view.depth is None or (not view.depth[off].any() and view.depth[view.mask].all())
    assert view.xyz is None or (view.xyz[off] == -1).all()


def _slant(view: ReadView) -> float:
    """By how much the longest ray of the image is longer than its depth."""
    assert view.intrinsics is not None
    height, width = view.mask.shape
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], dtype=np.float64)
    return float(np.linalg.norm(corners @ np.linalg.inv(view.intrinsics).T, axis=1).max())
