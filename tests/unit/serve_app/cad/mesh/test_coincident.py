"""Faces that lie in the same place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from serve_app.cad.mesh.checks import oddities
from serve_app.cad.mesh.coincident import coincident_faces
from serve_app.cad.parse import parse_cad
from tests.unit.serve_app.cad.written import LIMITS

BALL = trimesh.creation.icosphere(subdivisions=3)


@pytest.mark.parametrize("order", [[0, 1, 2], [1, 2, 0], [2, 1, 0]])
def test_faces_with_the_same_corners_are_counted_however_they_turn(order: list[int]) -> None:
    faces = BALL.faces.astype(np.int32)
    assert coincident_faces(BALL.vertices, faces) == 0
    assert coincident_faces(BALL.vertices, np.concatenate([faces, faces[5:12][:, order]])) == 7
    # The same places as vertices of their own, zeros of either sign.
    vertices = np.concatenate([BALL.vertices, np.where(BALL.vertices == 0, -0.0, BALL.vertices)])
    again = np.concatenate([faces, faces[:, order] + len(BALL.vertices), faces[:3]])
    assert coincident_faces(vertices, again) == len(faces) + 3


def test_neighbours_mirrored_faces_and_points_are_not() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [0, 0, 0]], dtype=float)
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 2, 4], [0, 1, 3], [0, 5, 1], [0, 5, 1]], dtype=np.int32)
    assert coincident_faces(vertices, faces) == 0


def test_the_job_is_told() -> None:
    both = trimesh.util.concatenate([BALL, trimesh.Trimesh(BALL.vertices, BALL.faces[:, ::-1], process=False)])
    mesh = parse_cad(bytes(both.export(file_type="stl")), ".stl", Path("/nowhere"), LIMITS).mesh
    assert any("1280 of its 2560 faces lie exactly where others do" in message for message in oddities(mesh))
