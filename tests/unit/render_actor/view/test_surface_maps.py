"""Depth and normals against geometry."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from render_actor.view.xyz_raycast import ObjectCoordinates, ViewRays
from tests.unit.render_actor.contract.odd_cameras import HEIGHT, WIDTH, odd_intrinsics
from tests.unit.render_actor.view.test_xyz_raycast import scene_for

RADIUS = 50.0
ODD = {"width": WIDTH, "height": HEIGHT, "intrinsics": odd_intrinsics(42)}


def sphere(offset: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> trimesh.Trimesh:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=RADIUS)
    ball.apply_translation(offset)
    return ball


@pytest.mark.parametrize("cameras", [{}, ODD], ids=["stock", "odd"])
@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_depth_is_z_in_the_cameras_frame_in_mm(cameras: dict[str, object], unit: float) -> None:
    ball = sphere((7.0, -300.0, 20.0))
    vertices = np.asarray(ball.vertices) / unit
    scene = scene_for(vertices, xyz_scale=unit, **cameras)
    for view in (0, 17, 41):
        rays = ViewRays(ObjectCoordinates(vertices, ball.faces.astype(np.int32)), scene, view)
        mask, xyz = rays.cast()
        depth = rays.surface(None).depth
        pose = scene.model_to_camera_mm()[view]
        expected = (xyz[mask].astype(np.float64) @ pose[:3, :3].T + pose[:3, 3])[:, 2]
        assert depth.dtype == np.float32 and (depth[~mask] == 0).all()
        assert np.abs(depth[mask] - expected).max() < 0.3  # What float16 rounds of xyz.
        # Lifted back through the matrix, the points lie on the sphere: no float16 is in the way.
        rows, columns = np.nonzero(mask)
        lifted = np.linalg.inv(scene.intrinsics[view]) @ np.stack([columns, rows, np.ones_like(rows)]) * depth[mask]
        points = np.linalg.inv(pose[:3, :3]) @ (lifted - pose[:3, 3:])
        assert np.abs(np.linalg.norm(points.T - ball.center_mass, axis=1) - RADIUS).max() < 0.2


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("inside_out", [True, False])
def test_normals_are_of_the_side_that_is_seen_in_the_cameras_frame(smooth: bool, inside_out: bool) -> None:
    ball = sphere()
    faces = ball.faces.astype(np.int32)
    faces = faces[:, ::-1] if inside_out else faces
    corner_normals = (np.asarray(ball.vertices)[faces] / RADIUS).astype(np.float32) if smooth else None
    if smooth and inside_out:
        assert corner_normals is not None
        corner_normals = -corner_normals
    scene = scene_for(ball.vertices)
    rays = ViewRays(ObjectCoordinates(np.asarray(ball.vertices), faces), scene, 5)
    mask, xyz = rays.cast()
    normals = rays.surface(corner_normals).normals
    axes, _ = scene.camera_in_cad(5)
    expected = xyz[mask].astype(np.float64) @ axes
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    angles = np.degrees(np.arccos(np.clip((normals[mask] * expected).sum(axis=1), -1, 1)))
    assert angles.max() < (0.1 if smooth else 4.0) and (normals[~mask] == 0).all()
    assert np.allclose(np.linalg.norm(normals[mask], axis=1), 1, atol=1e-5)
    middle = tuple(np.argwhere(mask).mean(axis=0).round().astype(int))
    assert normals[middle][2] < -0.98  # It looks at the camera.


def test_where_smooth_normals_vanish_the_faces_own_are_taken() -> None:
    ball = sphere()
    faces = ball.faces.astype(np.int32)
    rays = ViewRays(ObjectCoordinates(np.asarray(ball.vertices), faces), scene_for(ball.vertices), 5)
    mask, _ = rays.cast()
    nothing = np.zeros((len(faces), 3, 3), dtype=np.float32)
    assert np.array_equal(rays.surface(nothing).normals, rays.surface(None).normals) and mask.any()
