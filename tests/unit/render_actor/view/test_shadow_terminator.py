from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.view.shadow_terminator import lift, lifted_part

CORNERS = np.array([[1.0, 0.3, 0.2], [0.3, 1.0, 0.2], [0.3, 0.2, 1.0]])
CORNERS = (CORNERS / np.linalg.norm(CORNERS, axis=1, keepdims=True)).astype(np.float32)
"""Of a face whose corners lie on a ball of radius 1; so they are their normals, too."""


def lifted(weights: list[list[float]], normals: NDArray[np.float32] = CORNERS) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Places on the face, and where their rays begin."""
    shares = np.array(weights, dtype=np.float32)
    place = shares @ CORNERS
    corners, of_corners = (np.repeat(array[None], len(shares), axis=0) for array in (CORNERS, normals))
    return place, place + lift(corners, of_corners, shares)


def test_on_the_faces_of_a_ball_rays_begin_about_where_the_ball_is() -> None:
    chance = np.random.default_rng(0)
    place, begin = lifted(chance.dirichlet((1, 1, 1), 200).tolist())
    below, off = (1 - np.linalg.norm(of, axis=1) for of in (place, begin))
    assert below.max() > 0.15 and (np.abs(off) < 0.6 * below.max()).all() and off.mean() < below.mean() / 2


def test_corners_and_flat_faces_stay_where_they_are() -> None:
    corners, begin = lifted([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert begin == pytest.approx(corners, abs=1e-6)
    flat = np.cross(CORNERS[1] - CORNERS[0], CORNERS[2] - CORNERS[0])
    place, begin = lifted([[0.2, 0.3, 0.5]], np.tile(flat / np.linalg.norm(flat), (3, 1)).astype(np.float32))
    assert begin == pytest.approx(place, abs=1e-6)


def test_only_where_the_lamp_is_low_places_are_lifted() -> None:
    to_normal = np.array([0.9, 0.9, 0.2, 0.05, 0.01], dtype=np.float32)
    to_face = np.array([0.9, 0.05, -0.1, 0.1, -0.01], dtype=np.float32)
    assert lifted_part(to_normal, to_face) == pytest.approx([0, 0.5, 1, 0.5, 1], abs=1e-6)
