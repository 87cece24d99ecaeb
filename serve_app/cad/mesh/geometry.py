"""Splits polygons into triangles, and gives smooth surfaces their normals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fan(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split polygons into triangles around each one's first corner.

    Args:
        counts: (N,) corners of each polygon, whose corners follow each other in one list; those of fewer than three are dropped.

    Returns:
        (T, 3) places in that list, and (T,) the polygon of each triangle.
    """
    triangles = np.maximum(counts - 2, 0)
    first = np.cumsum(counts) - counts
    polygon = np.repeat(np.arange(len(counts)), triangles)
    nth = np.arange(len(polygon)) - np.repeat(np.cumsum(triangles) - triangles, triangles)
    start = first[polygon]
    return np.stack([start, start + nth + 1, start + nth + 2], axis=1), polygon


def unit_vectors(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 3) vectors of length 1; those that have no direction stay 0."""
    largest = np.abs(vectors).max(axis=-1, keepdims=True, initial=0.0)
    scaled = np.divide(vectors, largest, out=np.zeros_like(vectors), where=(largest > 0) & np.isfinite(largest))  # Squares overflow.
    lengths = np.linalg.norm(scaled, axis=-1, keepdims=True)
    return np.divide(scaled, lengths, out=np.zeros_like(scaled), where=lengths > 0)


def bounds(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(3,) lowest and highest coordinates of (N, 3) points. A column at a time: across rows of three numpy is several times slower."""
    return np.array([column.min() for column in points.T]), np.array([column.max() for column in points.T])


def double_areas(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F,) twice the area of triangles with (F, 3, 3) corners."""
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    x, y, z = crossed.T
    return np.asarray(np.sqrt(x * x + y * y + z * z))


def face_normals(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """(F, 3) unit normals; (0, 0, 1) for a face without area."""
    corners = vertices[faces]
    crossed: NDArray[np.float64] = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = unit_vectors(crossed)
    normals[~normals.any(axis=1)] = (0.0, 0.0, 1.0)
    return normals


def smooth_normals(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float32]:
    """(F, 3, 3) corner normals of a surface that is smooth across all its edges.

    Each vertex has the mean of its faces' normals, weighted by the angle that the face has there.
    """
    corners = vertices[faces]
    ahead = unit_vectors(corners[:, [1, 2, 0]] - corners)
    behind = -ahead[:, [2, 0, 1]]
    angles = np.arccos(np.clip((ahead * behind).sum(axis=2), -1.0, 1.0))
    angles[~ahead.any(axis=2) | ~behind.any(axis=2)] = 0.0
    flat = face_normals(vertices, faces)
    weighted = flat[:, None, :] * angles[:, :, None]
    sums = np.stack([np.bincount(faces.ravel(), weighted[..., axis].ravel(), len(vertices)) for axis in range(3)], axis=1)
    normals = unit_vectors(sums.astype(np.float64))[faces]
    unknown = ~normals.any(axis=2)
    normals[unknown] = np.broadcast_to(flat[:, None, :], normals.shape)[unknown]
    return normals.astype(np.float32)


def custom_normals(normals: NDArray[np.float64], vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float32] | None:
    """Corner normals that a file gives, as unit vectors; where one has no direction, the face's own.

    Args:
        normals: (F, 3, 3).
        vertices: (V, 3).
        faces: (F, 3).

    Returns:
        (F, 3, 3), or None when some are not numbers.
    """
    if not np.isfinite(normals).all():
        return None
    unit = unit_vectors(normals)
    unknown = ~unit.any(axis=2)
    if unknown.any():
        unit[unknown] = np.broadcast_to(face_normals(vertices, faces)[:, None, :], unit.shape)[unknown]
    return unit.astype(np.float32)
