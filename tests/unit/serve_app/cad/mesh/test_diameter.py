"""The diameter is the largest distance of two points."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from serve_app.cad.mesh.diameter import TOLERANCE, diameter

RANDOM = np.random.default_rng(7)
ON_SPHERE = RANDOM.normal(size=(3000, 3))
ON_SPHERE /= np.linalg.norm(ON_SPHERE, axis=1, keepdims=True)
CLOUDS = {
    "ball": RANDOM.normal(size=(50_000, 3)),
    "box": RANDOM.uniform(-1, 1, (50_000, 3)) * (40, 20, 3),
    "pin": RANDOM.uniform(-1, 1, (5000, 3)) * (0.1, 0.1, 80),
    "sphere": ON_SPHERE * 25.0,
    "lens": ON_SPHERE * (30, 30, 2),
    "far off": ON_SPHERE + 1e5,
    "tetrahedron": np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]),
}


@pytest.mark.parametrize("name", sorted(CLOUDS))
def test_it_is_the_largest_distance(name: str) -> None:
    points = CLOUDS[name]
    exact = pdist(points[ConvexHull(points).vertices]).max()
    assert exact * (1 - TOLERANCE) <= diameter(points) <= exact * (1 + 1e-9)


def test_what_is_flat_has_one_too() -> None:
    circle = np.stack([np.cos(np.arange(5000)), np.sin(np.arange(5000)), np.zeros(5000)], axis=1)
    assert 2 * (1 - TOLERANCE) <= diameter(circle) <= 2.0
    line: NDArray[np.float64] = np.outer(np.linspace(-3, 4, 1000), [1.0, 2.0, 2.0])
    assert diameter(line) == pytest.approx(21.0)
    assert diameter(np.ones((5, 3))) == 0.0


def test_a_sphere_of_many_points_is_within_the_tolerance() -> None:
    points = RANDOM.normal(size=(300_000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    assert 2 * (1 - TOLERANCE) <= diameter(points) <= 2.0 + 1e-12
