"""Where a ray to the lamp begins on a surface that is shaded smooth, as Cycles has it.

On the flat faces of a round body, shadows would end along the faces' edges. So, where the lamp is low, Cycles begins a ray to it above the
face, near the round surface that the corners' normals tell: Hanika, "Hacking the Shadow Terminator", in Ray Tracing Gems II (2021). It
takes the least of the heights below the planes of the corners, or half of a parabola's height where that is more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LOW = 0.1
"""Blender's "shadow terminator geometry offset" of a new object: about the cosine of the lamp's angle from which on nothing is lifted."""


def lifted_part(to_normal: NDArray[np.float32], to_face: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) which part of its height a place is lifted by, 0..1.

    Args:
        to_normal: (N,) cosine of the angle between the lamp and the shading normal; only what is above 0 counts.
        to_face: (N,) of that between the lamp and the face's normal.
    """
    of_both = np.where(to_normal < _LOW, 2 - (to_face + to_normal) / _LOW, 1 - to_face / _LOW)
    return np.asarray(np.clip(of_both, 0, 1), dtype=np.float32)


def lift(corners: NDArray[np.float32], normals: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 3) from places on faces to where their rays begin, when they are lifted in full.

    Args:
        corners: (N, 3, 3) of the faces, a corner a row.
        normals: (N, 3, 3) unit normals of the corners, on the side that is seen.
        weights: (N, 3) barycentric, of the corners.
    """
    place = np.einsum("nk,nkc->nc", weights, corners)
    heights = [_below_plane(corners, normals, place, corner) for corner in range(3)]
    height = np.maximum(np.minimum.reduce(heights), _parabola(corners, normals, weights) / 2)
    return np.asarray(np.einsum("nk,nkc->nc", weights, normals) * height[:, None])


def _below_plane(
    corners: NDArray[np.float32], normals: NDArray[np.float32], place: NDArray[np.float32], corner: int
) -> NDArray[np.float32]:
    """(N,) how far a place is below the plane of a corner, which is moved out until no other corner is above it."""
    origin, normal = corners[:, corner], normals[:, corner]
    out = np.maximum.reduce([_dot(corners[:, other] - origin, normal) for other in range(3)])  # 0 for the corner itself.
    return np.maximum(_dot(origin - place, normal) + out, 0)


def _parabola(corners: NDArray[np.float32], normals: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) height above the face of the parabolic surface that bends as the normals do."""
    u, v = weights[:, 0], weights[:, 1]
    along_u, along_v, across = (
        _dot(normals[:, second] - normals[:, first], corners[:, first] - corners[:, second]) for first, second in ((0, 2), (1, 2), (0, 1))
    )
    return np.asarray(along_u * u * (u - 1) + (along_u + along_v - across) * u * v + along_v * v * (v - 1))


def _dot(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.einsum("nc,nc->n", a, b))
