"""The diameter of a CAD: the largest distance of two of its vertices, as BOP's ``models_info.json`` means it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 0.0009
"""What is told is at most so much, relatively, below the exact diameter, and never above it."""

_PAIRS = 250_000
"""So many pairs of points are compared one by one."""

Triangle = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def diameter(points: NDArray[np.float64]) -> float:
    """The largest distance of two points; exact but for bodies that are about as wide in very many directions, as spheres are.

    Branch and bound over the directions in which the two may lie from each other: along each, only points that lie far enough out on
    either side can be a pair that is longer than the longest that is known.

    Args:
        points: (N, 3), at least one, finite.

    Returns:
        In the points' unit, at most ``TOLERANCE`` below the exact value.
    """
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    far = points - middle
    size = float(np.abs(far).max())
    if size == 0.0:
        return 0.0
    far /= size
    best = _walked(far)
    # A point whose distance to every corner of the bounding box is less is in no longer pair.
    reach = np.abs(far) + np.abs(far).max(axis=0)
    far = far[np.einsum("ij,ij->i", reach, reach) >= best * best * (1 - 1e-9)]
    waiting = [(triangle, far, far) for triangle in _half_sphere()]
    while waiting:
        triangle, ahead, behind = waiting.pop()
        best, ahead, behind = _looked_along(triangle, ahead, behind, best)
        if len(ahead):
            waiting += [(part, ahead, behind) for part in _quarters(triangle)]
    return best * size


def _walked(points: NDArray[np.float64]) -> float:
    """A long pair: from the first point to the farthest one, and so on while that grows."""
    best, here = -1.0, points[0]
    while True:
        squares = np.einsum("ij,ij->i", points - here, points - here)
        farthest = int(squares.argmax())
        if squares[farthest] <= best:
            return float(np.sqrt(best))
        best, here = float(squares[farthest]), points[farthest]


def _looked_along(
    triangle: Triangle, ahead: NDArray[np.float64], behind: NDArray[np.float64], best: float
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Look for pairs whose direction lies in a spherical triangle.

    Args:
        triangle: unit vectors.
        ahead: (A, 3) where such a pair may end.
        behind: (B, 3) where it may begin.
        best: length of the longest pair that is known.

    Returns:
        The length of the longest pair that is known now, and the points that are still to be looked at; none when it is done.
    """
    direction = _unit(triangle[0] + triangle[1] + triangle[2])
    cosine = min(float(corner @ direction) for corner in triangle)
    nothing = ahead[:0]
    on_ahead, on_behind = ahead @ direction, behind @ direction
    first, last = int(on_behind.argmin()), int(on_ahead.argmax())
    best = max(best, float(np.linalg.norm(ahead[last] - behind[first])))
    # No pair in this triangle is longer than the width along its middle, divided by the cosine to its corners.
    if cosine >= 1 - TOLERANCE or on_ahead[last] - on_behind[first] <= best * cosine * (1 + 1e-12):
        return best, nothing, nothing
    ahead = ahead[on_ahead >= on_behind[first] + best * cosine]
    behind = behind[on_behind <= on_ahead[last] - best * cosine]
    if not len(ahead) or not len(behind):
        return best, nothing, nothing
    if len(ahead) * len(behind) <= _PAIRS:
        apart = ahead[:, None, :] - behind
        return max(best, float(np.sqrt(np.einsum("ijk,ijk->ij", apart, apart).max()))), nothing, nothing
    return best, ahead, behind


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vector / np.linalg.norm(vector))


def _half_sphere() -> list[Triangle]:
    """The upper half of an octahedron: a pair has no beginning, so the other half is the same."""
    east, north, up = np.eye(3)
    return [(east, north, up), (north, -east, up), (-east, -north, up), (-north, east, up)]


def _quarters(triangle: Triangle) -> list[Triangle]:
    a, b, c = triangle
    ab, bc, ca = _unit(a + b), _unit(b + c), _unit(c + a)
    return [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
