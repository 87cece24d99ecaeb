"""Polygons as triangles: within their outlines, in every format that has polygons."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from serve_app.cad.mesh import polygons
from serve_app.cad.mesh.geometry import fan
from serve_app.cad.mesh.polygons import concave_warning, triangulated
from serve_app.cad.parse import parse_cad
from tests.cads import dae
from tests.unit.serve_app.cad.written import LIMITS

# Seen from above, against the clock. The first corner of each sees not all of it.
SHAPES: dict[str, tuple[list[tuple[float, float]], float]] = {
    "U": ([(0, 0), (6, 0), (6, 5), (4, 5), (4, 2), (2, 2), (2, 5), (0, 5)], 24),
    "arrow": ([(2, 0), (0, 2), (1, 0), (0, -2)], 2),
    "comb": ([(0, 0), (9, 0), (9, 3), (8, 3), (8, 1), (6, 1), (6, 3), (5, 3), (5, 1), (3, 1), (3, 3), (2, 3), (2, 1), (0, 1)], 15),
    # A square hole, joined to the outline by an edge that is gone along twice.
    "ring": ([(0, 0), (6, 0), (6, 6), (0, 6), (0, 0), (2, 2), (2, 4), (4, 4), (4, 2), (2, 2)], 32),
    "points on edges": ([(0, 0), (1, 0), (2, 0), (4, 0), (4, 4), (2, 1), (0, 4), (0, 2)], 10),
}


def areas(points: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.float64]:
    """(T, 3) areas as vectors."""
    corners = points[triangles]
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2


def turned(outline: list[tuple[float, float]], angle: float = 0.7) -> NDArray[np.float64]:
    """An outline in a slanted plane; the normal of that is returned as the last row."""
    tilt = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    return np.vstack([np.pad(np.array(outline, dtype=float), ((0, 0), (0, 1))), [[0, 0, 1]]]) @ tilt.T


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("backwards", [False, True])
def test_triangles_lie_within_a_concave_outline(name: str, backwards: bool) -> None:
    outline, area = SHAPES[name]
    for start in range(len(outline)):
        order = np.roll(np.arange(len(outline)), -start)[:: -1 if backwards else 1]
        *points, normal = turned(outline)
        places, polygon, left = triangulated(np.array(points), order, np.array([len(order)]))
        along = areas(np.array(points), order[places]) @ (-normal if backwards else normal)
        assert (along > -1e-9).all() and along.sum() == pytest.approx(area) and not left
        assert len(places) == len(outline) - 2 and not polygon.any()


def test_convex_polygons_are_split_as_ever() -> None:
    rng = np.random.default_rng(4)
    counts = rng.integers(2, 9, 50)
    points, corners, start = [], np.arange(counts.sum()), 0
    for count in counts:
        angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
        # Not quite flat, as quadrangles of curved surfaces are.
        points.append(np.stack([np.cos(angles), np.sin(angles), 0.05 * rng.random(count)], axis=1) + start)
        start += 3
    places, polygon, left = triangulated(np.concatenate(points), corners, counts)
    expected = fan(counts)
    assert (places == expected[0]).all() and (polygon == expected[1]).all() and not left


def test_neighbours_of_a_concave_polygon_stay_as_they_are() -> None:
    outline, area = SHAPES["comb"]
    square = [(20, 0), (21, 0), (21, 1), (20, 1), (20, 0.5)]
    points = np.array([*square, *outline, *square], dtype=float)
    counts = np.array([5, len(outline), 5])
    flat = np.pad(points, ((0, 0), (0, 1)))
    places, polygon, _ = triangulated(flat, np.arange(len(points)), counts)
    of_each = np.bincount(polygon, areas(flat, places)[:, 2])
    np.testing.assert_allclose(of_each, [1, area, 1])
    assert (places[:3] == fan(counts)[0][:3]).all() and (places[-3:] == fan(counts)[0][-3:]).all()


def test_outlines_that_cross_themselves_end() -> None:
    star = [(np.cos(4 * np.pi * i / 5), np.sin(4 * np.pi * i / 5), 0.0) for i in range(5)]
    for points in (star, [(0, 0, 0), (1, 1, 0), (1, 0, 0), (0, 1, 0)], [(0, 0, 0)] * 6, [(np.nan, 0, 0), *star]):
        places, _, _ = triangulated(np.array(points), np.arange(len(points)), np.array([len(points)]))
        assert len(places) == len(points) - 2


def test_too_many_corners_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polygons, "_MAX_WORK", 100)
    outline, _ = SHAPES["U"]
    points = np.pad(np.array(outline * 3, dtype=float), ((0, 0), (0, 1)))
    _, _, left = triangulated(points, np.arange(24), np.array([8, 8, 8]))
    assert left == 2 and "2 concave polygons" in concave_warning(left)[0] and not concave_warning(0)


def _listed(outline: NDArray[np.float64]) -> list[str]:
    return [" ".join(f"{value:g}" for value in point) for point in outline]


def _ply(outline: NDArray[np.float64]) -> bytes:
    header = f"ply\nformat ascii 1.0\nelement vertex {len(outline)}\nproperty float x\nproperty float y\nproperty float z\n"
    face = f"{len(outline)} {' '.join(map(str, range(len(outline))))}"
    return "\n".join([f"{header}element face 1\nproperty list uchar int vertex_indices\nend_header", *_listed(outline), face, ""]).encode()


def _obj(outline: NDArray[np.float64]) -> bytes:
    lines = [f"v {point}" for point in _listed(outline)] + ["f " + " ".join(f"{i - len(outline)}" for i in range(len(outline)))]
    return "\n".join([*lines, ""]).encode()


def _off(outline: NDArray[np.float64]) -> bytes:
    face = f"{len(outline)} {' '.join(map(str, range(len(outline))))}"
    return "\n".join(["OFF", f"{len(outline)} 1 0", *_listed(outline), face, ""]).encode()


def _dae(outline: NDArray[np.float64]) -> bytes:
    return dae.document(dae.geometry("made", outline, [list(range(len(outline)))]), dae.node("made", dae.instance("made")))


@pytest.mark.parametrize(("suffix", "written"), [(".ply", _ply), (".obj", _obj), (".off", _off), (".dae", _dae)])
def test_every_format_with_polygons_cuts_them(suffix: str, written: Callable[[NDArray[np.float64]], bytes]) -> None:
    outline, area = SHAPES["comb"]
    mesh = parse_cad(written(np.pad(np.array(outline, dtype=float), ((0, 0), (0, 1)))), suffix, Path("/nowhere"), LIMITS).mesh
    heights = areas(mesh.vertices, mesh.faces.astype(np.int64))[:, 2]
    assert (heights > 0).all() and heights.sum() == pytest.approx(area)
