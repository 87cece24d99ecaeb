"""The fixed lists of 42, 162 and 642 camera poses that SAM-6D looks templates up by.

Cameras sit on the vertices of Blender's icosphere and look at the origin. Template ``i`` is seen from camera ``i``
and consumers look poses up by that index, so the order is part of the contract: elevation first, azimuth second,
both as Blender's 32-bit coordinates give them. Many cameras share an elevation up to the last bit, and that bit decides
their order; so the sphere is built with Blender's own order of operations, rounding included.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

POSE_LIST_RADIUS = 1000.0
"""Distance of the listed cameras from the origin; 1000 in a pose list is ``SCENE_CAMERA_DISTANCE`` in the scene."""

SCENE_CAMERA_DISTANCE = 2.0
"""Distance of the cameras from the origin in the normalised scene (object diameter about 1)."""

_VIEW_COUNTS = (42, 162, 642)

# Corners and triangles as Blender's icosphere operator tabulates them, for a radius of 200.
_CORNERS = (
    (0.0, 0.0, -200.0),
    (144.72, -105.144, -89.443),
    (-55.277, -170.128, -89.443),
    (-178.885, 0.0, -89.443),
    (-55.277, 170.128, -89.443),
    (144.72, 105.144, -89.443),
    (55.277, -170.128, 89.443),
    (-144.72, -105.144, 89.443),
    (-144.72, 105.144, 89.443),
    (55.277, 170.128, 89.443),
    (178.885, 0.0, 89.443),
    (0.0, 0.0, 200.0),
)
# fmt: off
_TRIANGLES = (
    (0, 1, 2), (1, 0, 5), (0, 2, 3), (0, 3, 4), (0, 4, 5), (1, 5, 10), (2, 1, 6), (3, 2, 7), (4, 3, 8), (5, 4, 9),
    (1, 10, 6), (2, 6, 7), (3, 7, 8), (4, 8, 9), (5, 9, 10), (6, 10, 11), (7, 6, 11), (8, 7, 11), (9, 8, 11), (10, 9, 11),
)
# fmt: on

Triangle = tuple[int, int, int]
Edge = tuple[int, int]


@dataclass(frozen=True)
class _Sphere:
    """Points (V, 3) float32, triangles and directed edges: a midpoint's last bit depends on an edge's direction."""

    points: NDArray[np.float32]
    triangles: tuple[Triangle, ...]
    edges: tuple[Edge, ...]

    def split(self) -> _Sphere:
        """Every edge split at its midpoint and every triangle in four; the new points still lie on the chords."""
        start, end = (self.points[list(ends)] for ends in zip(*self.edges, strict=True))
        midpoints = start + (end - start) * np.float32(0.5)
        middle = {frozenset(edge): len(self.points) + k for k, edge in enumerate(self.edges)}
        edges = [half for (a, b) in self.edges for half in ((a, middle[frozenset((a, b))]), (middle[frozenset((a, b))], b))]
        triangles: list[Triangle] = []
        for a, b, c in self.triangles:
            ab, bc, ca = (middle[frozenset(pair)] for pair in ((a, b), (b, c), (c, a)))
            triangles += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ca, ab, bc)]
            edges += [(bc, ab), (ca, bc), (ca, ab)]
        return _Sphere(np.concatenate([self.points, midpoints]), tuple(triangles), tuple(edges))


def _directed_edges(triangles: tuple[Triangle, ...]) -> tuple[Edge, ...]:
    """Edges as the triangles name them first: the closing edge of a triangle, then the other two."""
    edges: dict[frozenset[int], Edge] = {}
    for a, b, c in triangles:
        for edge in ((c, a), (a, b), (b, c)):
            edges.setdefault(frozenset(edge), edge)
    return tuple(edges.values())


def _normalised_in_32_bits(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vectors as Blender's C code makes them: multiplied by a 32-bit reciprocal of the length."""
    squares = points * points
    length = np.sqrt((squares[:, 0] + squares[:, 1]) + squares[:, 2])
    return points * (np.float32(1.0) / length)[:, None]


def _normalised(points: NDArray[np.float32]) -> NDArray[np.float32]:
    wide = points.astype(np.float64)
    return (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)


def icosphere_vertices(level: int) -> NDArray[np.float32]:
    """Vertices of the icosphere that carries the cameras of a level.

    Args:
        level: 0, 1 or 2.

    Returns:
        (V, 3) float32 unit vectors in the scene's frame, V = 42, 162 or 642, unordered.
    """
    corners = np.array(_CORNERS, dtype=np.float32) * (np.float32(1.0) / np.float32(200.0))
    sphere = _Sphere(corners, _TRIANGLES, _directed_edges(_TRIANGLES)).split()
    sphere = _Sphere(_normalised_in_32_bits(sphere.points), sphere.triangles, sphere.edges)
    for _ in range(level):
        sphere = sphere.split()
        sphere = _Sphere(_normalised(sphere.points), sphere.triangles, sphere.edges)
    return sphere.points


def look_at_origin(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Camera-to-world pose of a camera that looks at the origin with -z up in the image (-y at the poles).

    Args:
        position: (3,) camera centre in world coordinates, not the origin itself.

    Returns:
        (4, 4) float64 camera-to-world matrix, OpenCV axes (x right, y down, z forward).
    """
    forward = -position / np.linalg.norm(position)
    right = np.cross([0.0, 0.0, -1.0], forward)
    if np.linalg.norm(right) < 1e-6:
        right = np.cross([0.0, -1.0, 0.0], forward)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2], pose[:3, 3] = right, np.cross(forward, right), forward, position
    return pose


def view_count(level: int) -> int:
    """Number of cameras of a level.

    Args:
        level: 0, 1 or 2.

    Raises:
        ValueError: for another level.
    """
    if level not in range(len(_VIEW_COUNTS)):
        raise ValueError(f"level must be 0, 1 or 2 (42, 162 or 642 views), got {level!r}")
    return _VIEW_COUNTS[level]


def camera_poses(level: int) -> NDArray[np.float64]:
    """The camera poses of a level, in the order that SAM-6D looks templates up by.

    Args:
        level: 0, 1 or 2 for 42, 162 or 642 cameras.

    Returns:
        (N, 4, 4) float64 camera-to-world matrices, OpenCV axes, translations of norm ``POSE_LIST_RADIUS``; a copy.

    Raises:
        ValueError: for another level.
    """
    view_count(level)
    return _camera_poses(level).copy()


@cache  # Each job asks for them.
def _camera_poses(level: int) -> NDArray[np.float64]:
    points = icosphere_vertices(level).astype(np.float64)
    elevation = np.arctan2(points[:, 2], np.hypot(points[:, 0], points[:, 1]))
    azimuth = np.arctan2(points[:, 0], points[:, 1])
    ordered = points[np.lexsort((azimuth, elevation))]
    return np.array([look_at_origin(point * POSE_LIST_RADIUS) for point in ordered])
