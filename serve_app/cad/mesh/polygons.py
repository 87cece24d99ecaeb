"""Splits polygons into triangles that lie within them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.mesh.geometry import fan, unit_vectors

_TURNED = -1e-6
"""Share of a polygon's area from which on a triangle that lies the wrong way round means a concave corner, not a rounded number."""

_MAX_WORK = 5_000_000
"""Corners squared of all polygons that are cut corner by corner: two seconds at most."""

Point = tuple[float, float]


def triangulated(
    points: NDArray[np.float64], corners: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Split polygons into triangles: around their first corner where that stays within them, as it does in every convex one.

    Args:
        points: (V, 3).
        corners: (C,) which point each corner is; the corners of the polygons follow each other.
        counts: (N,) corners of each polygon; those of fewer than three are dropped.

    Returns:
        (T, 3) places in ``corners``, (T,) the polygon of each triangle, and how many concave polygons are split around their first
        corner all the same, since cutting them would take too long.
    """
    places, polygon = fan(counts)
    if not len(counts) or counts.max() < 4:
        return places, polygon, 0
    begin = np.cumsum(counts) - counts
    concave = _concave(points, corners, counts)
    if not len(concave):
        return places, polygon, 0
    first = np.searchsorted(polygon, concave)  # Triangles of a polygon follow each other.
    quads = counts[concave] == 4
    start = begin[concave[quads]]
    # One of a quadrangle's two diagonals lies within it.
    places[first[quads]] = start[:, None] + [1, 2, 3]
    places[first[quads] + 1] = start[:, None] + [1, 3, 0]
    work, left = 0, 0
    for number, place in zip(concave[~quads].tolist(), first[~quads].tolist(), strict=True):
        count = int(counts[number])
        work += count * count
        if work > _MAX_WORK:
            left += 1
            continue
        outline = _flattened(points[corners[begin[number] : begin[number] + count]])
        places[place : place + count - 2] = begin[number] + np.array(_cut(outline), dtype=np.int64)
    return places, polygon, left


def concave_warning(left: int) -> list[str]:
    """What to tell of concave polygons that were not cut."""
    if not left:
        return []
    return [f"{left} concave polygons have too many corners to be cut well: parts of them may stand out; triangulate the CAD"]


def _concave(points: NDArray[np.float64], corners: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The polygons of four corners and more of which a triangle around the first corner lies the other way round than the whole."""
    numbers = np.flatnonzero(counts > 3)
    if len(numbers) < len(counts):
        corners, counts = corners[np.repeat(counts > 3, counts)], counts[numbers]
    begin = np.cumsum(counts) - counts
    # From the first corner to each. Where one polygon ends and the next begins it is 0, and so is what follows of it.
    x, y, z = (axis - np.repeat(axis[begin], counts) for axis in points[corners].T)
    crossed = [a[:-1] * b[1:] - b[:-1] * a[1:] for a, b in ((y, z), (z, x), (x, y))]
    along, size = np.zeros(len(x) - 1), np.zeros(len(counts))
    for axis in crossed:
        whole = np.add.reduceat(axis, begin)
        along += axis * np.repeat(whole, counts)[:-1]
        size += whole * whole
    turned = along < _TURNED * np.repeat(size, counts)[:-1]
    return numbers[np.unique(np.repeat(np.arange(len(counts)), counts)[:-1][turned])]


def _flattened(outline: NDArray[np.float64]) -> list[Point]:
    """The corners of a polygon in its own plane, against the clock."""
    around = outline - outline[0]
    normal = unit_vectors(np.cross(around[1:-1], around[2:]).sum(axis=0))
    across = np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))])
    across = unit_vectors(across)
    up = np.cross(normal, across)
    return list(zip((around @ across).tolist(), (around @ up).tolist(), strict=True))


def _cut(outline: list[Point]) -> list[tuple[int, int, int]]:
    """Triangles of a polygon, by cutting off one corner after another: one with nothing of the rest in its triangle."""
    rest, triangles = list(range(len(outline))), list[tuple[int, int, int]]()
    place, tried = 0, 0
    while len(rest) > 3:
        before, corner, after = rest[place - 1], rest[place], rest[(place + 1) % len(rest)]
        # One that crosses itself may have no such corner; any is cut then.
        if tried >= len(rest) or _is_ear(outline, rest, before, corner, after):
            triangles.append((before, corner, after))
            rest.pop(place)
            place, tried = (place - 1) % len(rest), 0  # That before it may have become one, and neighbours make the best triangles.
        else:
            place, tried = (place + 1) % len(rest), tried + 1
    return [*triangles, (rest[0], rest[1], rest[2])]


def _is_ear(outline: list[Point], rest: list[int], before: int, corner: int, after: int) -> bool:
    a, b, c = outline[before], outline[corner], outline[after]
    if _turn(a, b, c) <= 0:
        return False
    for other in rest:
        point = outline[other]
        # A hole that is joined to the outline has corners that lie on others.
        if point in (a, b, c):
            continue
        if _turn(a, b, point) >= 0 and _turn(b, c, point) >= 0 and _turn(c, a, point) >= 0:
            return False
    return True


def _turn(a: Point, b: Point, c: Point) -> float:
    """Twice the area of a triangle, negative where it is with the clock."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
