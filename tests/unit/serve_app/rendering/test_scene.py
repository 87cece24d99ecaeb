from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from render_actor.contract.cameras import camera_poses
from render_actor.contract.intrinsics import FIELD_OF_VIEW, stock_intrinsics
from render_actor.contract.scene import object_to_scene, poses_in_scene, sampling_for
from render_actor.contract.types import ViewHints
from render_actor.contract.viewpoints import viewpoint_poses
from serve_app.base.errors import ServiceError
from serve_app.cad.loader import LoadedCad
from serve_app.rendering.key import rendering_key
from serve_app.rendering.manifest import camera_content
from serve_app.rendering.scene import hints_of, poses_of, template_scene, warnings_of
from tests.unit.serve_app.made import make_spec

CORNERS = np.array([[-10.0, -20, -30], [10, 20, 40]])


def cad(*warnings: str) -> LoadedCad:
    return LoadedCad("key", "sha", None, CORNERS, {}, warnings, 0, {}, diameter=80.0)


def test_a_scene_has_what_the_request_says() -> None:
    spec = make_spec(resolution=100, colorize=True, base_color=0.3, quality="draft", samples=7, recenter=True)
    scene = template_scene(spec, CORNERS, camera_poses(0)[:5], 99)
    assert (scene.width, scene.height, scene.base_color, scene.xyz_scale) == (100, 100, 0.3, 1.0)
    assert scene.sampling == sampling_for("draft", 7)
    assert np.array_equal(scene.camera_poses, poses_in_scene(camera_poses(0)[:5]))
    assert np.array_equal(scene.object_to_scene, object_to_scene(CORNERS, normalize=True, recenter=True, axes="cad"))


def test_what_the_request_does_not_say_the_server_decides() -> None:
    spec = make_spec(base_color=0.3)
    assert template_scene(spec, CORNERS, camera_poses(0), 99).sampling == sampling_for("standard", 99)
    scene = template_scene(spec, CORNERS, camera_poses(0))
    assert scene.sampling == sampling_for("standard") and scene.base_color is None


def test_the_servers_cap_bounds_what_a_quality_takes_and_no_exact_samples() -> None:
    assert template_scene(make_spec(), CORNERS, camera_poses(0), max_samples=64).sampling.max_samples == 64
    exact = template_scene(make_spec(samples=1000), CORNERS, camera_poses(0), max_samples=64).sampling
    assert (exact.samples, exact.max_samples) == (1000, None)
    assert template_scene(make_spec(), CORNERS, camera_poses(0), 99, 64).sampling.max_samples is None


def test_a_matrix_and_an_image_are_the_requests_own_in_every_view() -> None:
    K = np.array([[100, 0, 30.5], [0, 110, 41], [0, 0, 1]])
    scene = template_scene(make_spec(camera={"K": K.tolist(), "width": 64, "height": 90}), CORNERS, camera_poses(0)[:3])
    assert (scene.width, scene.height) == (64, 90) and (scene.intrinsics == K).all()
    stock = template_scene(make_spec(resolution=64), CORNERS, camera_poses(0)[:3])
    own = {"K": stock.intrinsics[0].tolist(), "width": 64, "height": 64}
    same = template_scene(make_spec(camera=own), CORNERS, camera_poses(0)[:3])
    assert rendering_key("cad", same) == rendering_key("cad", stock) != rendering_key("cad", scene)


@pytest.mark.parametrize(("unit", "mm"), [("mm", 1.0), ("m", 1000.0)])
def test_at_a_real_distance_the_object_is_as_large_as_it_is(unit: str, mm: float) -> None:
    spec = make_spec(unit=unit, camera={"distance_mm": 400}, recenter=True)
    scene = template_scene(spec, CORNERS / mm, camera_poses(0)[:3])
    assert np.linalg.norm(scene.camera_poses[:, :3, 3], axis=1) == pytest.approx([2.0] * 3)  # The light is where it always is.
    model_to_camera = scene.model_to_camera_mm()
    assert model_to_camera @ np.append(CORNERS.mean(axis=0), 1) == pytest.approx(np.array([[0, 0, 400, 1]] * 3), abs=1e-4)
    edge = model_to_camera[:, :3, :3] @ (CORNERS[1] - CORNERS[0])
    assert np.linalg.norm(edge, axis=1) == pytest.approx([np.linalg.norm(CORNERS[1] - CORNERS[0])] * 3)


def test_a_list_of_cameras_keeps_its_relative_distances() -> None:
    poses = camera_poses(0)[:2].copy()
    poses[1, :3, 3] *= 1.5
    scene = template_scene(make_spec(camera={"distance_mm": 400}), CORNERS, poses)
    assert np.linalg.norm(scene.model_to_camera_mm()[:, :3, 3], axis=1) == pytest.approx([400.0, 600.0])


def test_a_crop_has_a_matrix_for_each_view() -> None:
    spec = make_spec(camera={"crop": {"size": 70}})
    points = np.array([[x, y, z] for x in CORNERS[:, 0] for y in CORNERS[:, 1] for z in CORNERS[:, 2]])
    scene = template_scene(spec, CORNERS, camera_poses(0)[:5], vertices=points)
    assert (scene.width, scene.height) == (70, 70) and len({matrix[0, 0] for matrix in scene.intrinsics}) > 1
    assert "intrinsics" not in camera_content(scene) and len(camera_content(scene)["intrinsics_of_views"]) == 5


def test_the_manifest_has_one_matrix_where_all_views_have_it() -> None:
    content = camera_content(template_scene(make_spec(resolution=64), CORNERS, camera_poses(0)[:3]))
    assert content["intrinsics"] == stock_intrinsics(64).tolist() and content["field_of_view_rad"] == pytest.approx(FIELD_OF_VIEW)
    assert (content["width"], content["height"], content["resolution"]) == (64, 64, [64, 64])


def test_an_error_is_told_what_the_request_asks_for_already() -> None:
    K = {"fx": 100, "fy": 100, "cx": 32, "cy": 32}
    assert hints_of(make_spec()) == ViewHints()
    asked = hints_of(make_spec(camera={"distance_mm": 400, "K": K, "width": 64, "height": 64}))
    assert (asked.normalize, asked.own_distance, asked.own_intrinsics, asked.own_cameras) == (
        False,
        "camera.distance_mm",
        True,
        False,
    )
    assert hints_of(make_spec(camera={"distance_diameters": 3})).own_distance == "camera.distance_diameters"


@pytest.mark.parametrize(("unit", "scale", "fits"), [("mm", 1.0, 65504.0), ("m", 1000.0, 65.5)])
def test_coordinates_must_fit_the_xyz_files(unit: str, scale: float, fits: float) -> None:
    spec = make_spec(unit=unit)
    assert template_scene(spec, np.array([[0.0, 0, -fits], [1, 1, 1]]), camera_poses(0)).xyz_scale == scale
    with pytest.raises(ServiceError) as caught:
        template_scene(spec, np.array([[0.0, 0, -fits * 1.001], [1, 1, 1]]), camera_poses(0))
    assert (caught.value.code, caught.value.field) == ("cad_invalid", "unit")


@pytest.mark.parametrize(
    ("name", "axes", "used", "warned"),
    [
        ("a.obj", "blender", "blender", False),
        ("a.OBJ", "blender", "blender", False),
        ("a.obj", "cad", "cad", False),
        ("a.ply", "blender", "cad", True),
    ],
)
def test_the_axes_of_the_stock_script_are_for_obj_files(name: str, axes: str, used: Any, warned: bool) -> None:
    spec = make_spec(cad=f"/in/{name}", obj_axes=axes)
    expected = object_to_scene(CORNERS, normalize=True, recenter=False, axes=used)
    assert np.array_equal(template_scene(spec, CORNERS, camera_poses(0)).object_to_scene, expected)
    assert any("obj_axes" in text for text in warnings_of(spec, cad())) == warned


@pytest.mark.parametrize(
    ("name", "tessellation", "warned"), [("a.stl", "fine", True), ("a.stl", "normal", False), ("a.STP", "fine", False)]
)
def test_tessellation_is_for_exact_surfaces(name: str, tessellation: str, warned: bool) -> None:
    spec = make_spec(cad=f"/in/{name}", tessellation=tessellation)
    assert any("tessellation=fine" in text for text in warnings_of(spec, cad())) == warned


def test_a_cad_in_metres_is_no_surprise_to_a_client_that_says_so() -> None:
    found = dataclasses.replace(cad("it is open"), corners=CORNERS / 1000, diameter=0.08)
    for unit in ("auto", "mm"):
        first, second = warnings_of(make_spec(unit=unit), found)
        assert first == "it is open" and "looks like metres" in second and "unit=m" in second
    assert warnings_of(make_spec(unit="m"), found) == ["it is open"]


@pytest.mark.parametrize(
    ("asked", "of_file", "scale"), [("auto", None, 1.0), ("auto", "m", 1000.0), ("inch", "m", 25.4), ("cm", None, 10.0)]
)
def test_xyz_is_in_mm_by_the_unit_that_is_used(asked: str, of_file: Any, scale: float) -> None:
    scene = template_scene(make_spec(unit=asked), CORNERS / 100, camera_poses(0), unit_of_file=of_file)
    assert scene.xyz_scale == scale


def test_cameras_are_those_of_the_level_or_of_the_file(tmp_path: Path) -> None:
    assert np.array_equal(poses_of(make_spec()), camera_poses(0)) and len(poses_of(make_spec(level=1))) == 162
    assert len(poses_of(make_spec(camera={"poses": {"level": 2}}))) == 642
    asked = {"poses": {"viewpoints": {"fibonacci": 5, "in_plane": 3}}}
    assert np.array_equal(poses_of(make_spec(camera=asked)), viewpoint_poses(5, 3))
    path = tmp_path / "p.npy"
    np.save(path, camera_poses(0)[:3])
    assert np.array_equal(poses_of(make_spec(camera_poses_path="p.npy", poses_path=path)), camera_poses(0)[:3])
    inside = make_spec(camera={"poses": {"camera_poses_path": "p.npy"}}, poses_path=path)
    assert np.array_equal(poses_of(inside), camera_poses(0)[:3])
    path.unlink()
    with pytest.raises(ServiceError) as caught:
        poses_of(make_spec(camera_poses_path="p.npy", poses_path=path))
    assert caught.value.code == "poses_invalid" and "'p.npy'" in caught.value.detail
