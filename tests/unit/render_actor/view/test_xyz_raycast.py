from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import trimesh

from bench.hard_cads import ball, layers
from render_actor.contract.scene import object_to_scene
from render_actor.view import xyz_raycast
from render_actor.view.too_slow import ViewTooSlowError
from render_actor.view.xyz_raycast import ObjectCoordinates, ViewRays
from tests.unit.render_actor.contract.odd_cameras import HEIGHT, WIDTH, odd_intrinsics
from tests.unit.render_actor.contract.test_scene import make_scene


def scene_for(vertices: np.ndarray, **changes: Any):  # type: ignore[no-untyped-def, type-arg]
    corners = np.array([vertices.min(axis=0), vertices.max(axis=0)])
    return make_scene(object_to_scene=object_to_scene(corners, normalize=True, recenter=True, axes="cad"), **changes)


def test_a_sphere_is_seen_where_geometry_says() -> None:
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=50.0)
    scene = scene_for(sphere.vertices)
    mask, xyz = ObjectCoordinates(sphere.vertices, sphere.faces.astype(np.int32)).cast(scene, 5)
    _, centre = scene.camera_in_cad(5)
    rows, columns = np.mgrid[0:128, 0:128] - 63.5
    from_axis = np.arctan(np.hypot(rows, columns) / scene.focal_lengths(5)[0])
    expected = from_axis < np.arcsin(50.0 / np.linalg.norm(centre))
    assert (mask ^ expected).sum() <= 0.02 * expected.sum()
    assert np.abs(np.linalg.norm(xyz[mask].astype(np.float64), axis=1) - 50.0).max() < 0.2


@pytest.mark.parametrize("cameras", [{}, {"width": WIDTH, "height": HEIGHT, "intrinsics": odd_intrinsics(42)}], ids=["stock", "odd"])
def test_points_project_back_to_their_own_pixel(wedge: trimesh.Trimesh, cameras: dict[str, Any]) -> None:
    scene = scene_for(wedge.vertices, **cameras)
    coordinates = ObjectCoordinates(np.asarray(wedge.vertices), wedge.faces.astype(np.int32))
    for view in (0, 3, 20, 41):
        mask, xyz = coordinates.cast(scene, view)
        axes, centre = scene.camera_in_cad(view)
        local = (xyz[mask].astype(np.float64) - centre) @ axes
        pixels = (local / local[:, 2:]) @ scene.intrinsics[view].T
        rows, columns = np.nonzero(mask)
        off = pixels[:, :2] - np.stack([columns, rows], axis=1)
        assert mask.shape == (scene.height, scene.width) and mask.sum() > 500
        assert np.abs(off).max() < 0.1 and np.abs(off.mean(axis=0)).max() < 0.01  # What float16 rounds is in the first.


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_depths_hold_the_mesh(wedge: trimesh.Trimesh, scale: float) -> None:
    vertices = np.asarray(wedge.vertices) * scale
    scene = scene_for(vertices)
    coordinates = ObjectCoordinates(vertices, wedge.faces.astype(np.int32))
    for view in (0, 3, 20, 41):
        local = vertices @ scene.object_to_scene[:3, :3].T + scene.object_to_scene[:3, 3] - scene.camera_poses[view, :3, 3]
        depth = local @ scene.camera_poses[view, :3, 2]
        near, far = coordinates.depths(scene, view)
        assert 1.0 < near <= depth.min() + 1e-9 and depth.max() - 1e-9 <= far < 3.0
        assert near > depth.min() - 0.5 and far < depth.max() + 0.5


def test_background_is_minus_one_and_types_are_the_contracts(wedge: trimesh.Trimesh) -> None:
    mask, xyz = ObjectCoordinates(np.asarray(wedge.vertices), wedge.faces.astype(np.int32)).cast(scene_for(wedge.vertices), 11)
    assert xyz.dtype == np.float16 and xyz.shape == (128, 128, 3)
    assert mask.any() and (xyz[~mask] == -1).all()


def test_unit_scales_xyz_and_not_the_picture(wedge: trimesh.Trimesh) -> None:
    metres = np.asarray(wedge.vertices) / 1000
    faces = wedge.faces.astype(np.int32)
    mask_mm, xyz_mm = ObjectCoordinates(np.asarray(wedge.vertices), faces).cast(scene_for(wedge.vertices), 4)
    mask_m, xyz_m = ObjectCoordinates(metres, faces).cast(scene_for(metres, xyz_scale=1000.0), 4)
    assert np.array_equal(mask_mm, mask_m)
    assert np.abs(xyz_mm.astype(np.float32) - xyz_m.astype(np.float32)).max() <= 0.05


def test_a_cad_far_off_its_origin_keeps_its_digits(wedge: trimesh.Trimesh) -> None:
    faces, far = wedge.faces.astype(np.int32), np.asarray(wedge.vertices) + np.array([30000.0, 0.0, 0.0])
    mask_near, _ = ObjectCoordinates(np.asarray(wedge.vertices), faces).cast(scene_for(wedge.vertices), 9)
    mask_far, xyz_far = ObjectCoordinates(far, faces).cast(scene_for(far), 9)
    assert (mask_near ^ mask_far).sum() <= 2
    assert xyz_far[mask_far][:, 0].astype(np.float32).min() > 29900


def test_a_cast_that_takes_longer_than_it_may_is_given_up() -> None:
    vertices, faces = layers(3000)
    rays = ViewRays(ObjectCoordinates(vertices, faces), scene_for(vertices), 5)
    with pytest.raises(ViewTooSlowError):
        rays.cast(may_take_sec=0.0)
    mask, _ = rays.cast(may_take_sec=3600.0)
    assert mask.any()


def test_rays_cost_what_lies_over_one_another_and_not_what_is_merely_large() -> None:
    cost = {}
    for name, (vertices, faces) in {"layers": layers(3000), "ball": ball(100_000)}.items():
        cost[name] = ViewRays(ObjectCoordinates(vertices, faces), scene_for(vertices), 5).seconds_a_ray
    assert cost["layers"] > 5 * cost["ball"]


def test_a_cast_in_parts_is_the_cast_as_a_whole(wedge: trimesh.Trimesh, monkeypatch: pytest.MonkeyPatch) -> None:
    coordinates = ObjectCoordinates(np.asarray(wedge.vertices), wedge.faces.astype(np.int32))
    whole = coordinates.cast(scene_for(wedge.vertices), 7)
    monkeypatch.setattr(xyz_raycast, "_MAX_CHUNK", 17)
    parts = coordinates.cast(scene_for(wedge.vertices), 7)
    assert np.array_equal(whole[0], parts[0]) and np.array_equal(whole[1], parts[1])
