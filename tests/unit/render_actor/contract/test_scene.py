from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.contract.cameras import camera_poses
from render_actor.contract.scene import (
    DEFAULT_MAX_SAMPLES,
    Quality,
    TemplateScene,
    bounding_radius,
    object_to_scene,
    poses_in_scene,
    quality_name,
    sampling_for,
)
from tests.unit.render_actor.contract.odd_cameras import HEIGHT, WIDTH, odd_intrinsics

CORNERS = np.array([[-30.0, -20.0, -10.0], [40.0, 25.0, 30.0]])


def make_scene(resolution: int = 128, **changes: object) -> TemplateScene:
    values = {
        "object_to_scene": object_to_scene(CORNERS, normalize=True, recenter=False, axes="cad"),
        "camera_poses": poses_in_scene(camera_poses(0)),
        "xyz_scale": 1.0,
        "base_color": None,
        "sampling": sampling_for("standard"),
    }
    cameras = {name: changes.pop(name) for name in ("width", "height", "intrinsics") if name in changes}
    return replace(TemplateScene.stock(resolution, **{**values, **changes}), **cameras)  # type: ignore[arg-type]


def test_intrinsics_are_blenderprocs_defaults() -> None:
    scene = make_scene(512)
    assert scene.intrinsics.shape == (42, 3, 3) and (scene.intrinsics == scene.intrinsics[0]).all()
    assert scene.intrinsics[0] == pytest.approx(np.array([[711.1113, 0, 255.5], [0, 711.1113, 255.5], [0, 0, 1]]), abs=0.01)


def test_normalised_object_is_at_most_one_across_and_keeps_its_origin() -> None:
    matrix = object_to_scene(CORNERS, normalize=True, recenter=False, axes="cad")
    assert matrix[0, 0] == pytest.approx(1 / (2 * bounding_radius(CORNERS)))
    assert np.array_equal(matrix[:3, 3], np.zeros(3))


def test_recentring_puts_the_middle_of_the_box_at_the_scenes_origin() -> None:
    far = CORNERS + 1e4
    matrix = object_to_scene(far, normalize=True, recenter=True, axes="cad")
    assert np.allclose(matrix @ np.append(far.mean(axis=0), 1.0), [0, 0, 0, 1], atol=1e-9)


def test_blender_axes_turn_by_ninety_degrees_about_x() -> None:
    matrix = object_to_scene(CORNERS, normalize=False, recenter=False, axes="blender")
    assert np.allclose(matrix[:3, :3] @ [0, 1, 0], [0, 0, 1])
    assert np.allclose(matrix[:3, :3] @ [0, 0, 1], [0, -1, 0])


def test_pose_list_is_scaled_to_distance_two_and_left_alone() -> None:
    poses = camera_poses(0)
    before = poses.copy()
    assert np.allclose(np.linalg.norm(poses_in_scene(poses)[:, :3, 3], axis=1), 2.0)
    assert np.array_equal(poses, before)


def test_light_moves_with_the_camera() -> None:
    scene = make_scene()
    assert np.allclose(scene.light_position(7), scene.camera_poses[7, :3, 3] * 2.5)


def odd_scene(**changes: Any) -> TemplateScene:
    return make_scene(width=WIDTH, height=HEIGHT, intrinsics=odd_intrinsics(42), **changes)


@pytest.mark.parametrize("scene", [make_scene(), odd_scene()], ids=["stock", "odd"])
@pytest.mark.parametrize("middle", [np.zeros(3), np.array([3.0, -2.0, 1.0])])
@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_image_bounds_hold_every_projected_point(precision: type, middle: NDArray[np.float64], scene: TemplateScene) -> None:
    corners = np.array([[x, y, z] for x in CORNERS[:, 0] for y in CORNERS[:, 1] for z in CORNERS[:, 2]])
    for view in range(42):
        left, top, right, bottom = scene.image_bounds(view, (corners - middle).T.astype(precision), middle, margin=0)
        in_scene = corners @ scene.object_to_scene[:3, :3].T
        local = (in_scene - scene.camera_poses[view, :3, 3]) @ scene.camera_poses[view, :3, :3]
        pixels = (local / local[:, 2:]) @ scene.intrinsics[view].T
        assert (pixels[:, 0] >= left - 0.5 - 1e-4).all() and (pixels[:, 0] <= right - 0.5 + 1e-4).all()
        assert (pixels[:, 1] >= top - 0.5 - 1e-4).all() and (pixels[:, 1] <= bottom - 0.5 + 1e-4).all()
        assert right - left <= np.ptp(pixels[:, 0]) + 2 and bottom - top <= np.ptp(pixels[:, 1]) + 2


def test_bounds_are_the_whole_image_when_a_point_is_behind_the_camera() -> None:
    for scene in (make_scene(object_to_scene=np.eye(4)), odd_scene(object_to_scene=np.eye(4))):
        assert scene.image_bounds(0, CORNERS.T, np.zeros(3), margin=0) == (0, 0, scene.width, scene.height)


def test_bounds_are_inside_the_image_also_where_the_object_is_not() -> None:
    scene = odd_scene()
    aside = CORNERS.T + scene.camera_in_cad(3)[0][:, :1] * 1e4
    left, top, right, bottom = scene.image_bounds(3, aside, np.zeros(3), margin=3)
    assert 0 <= left < right <= WIDTH and 0 <= top < bottom <= HEIGHT


def test_directions_go_through_the_places_that_they_are_asked_for() -> None:
    scene = odd_scene()
    columns, rows = np.array([0.0, 66.3, 119.25]), np.array([87.0, 40.1, 3.5])
    for view in (0, 17, 41):
        axes, centre = scene.camera_in_cad(view)
        points = centre + scene.directions_in_cad(view, columns, rows) * 7.0
        local = (points - centre) @ axes
        pixels = (local / local[:, 2:]) @ scene.intrinsics[view].T
        assert pixels[:, :2] == pytest.approx(np.stack([columns, rows], axis=1), abs=1e-9)


@pytest.mark.parametrize("factor", [0.25, 0.4, 2.0])
def test_a_scaled_scene_shows_the_same_in_other_pixels(factor: float) -> None:
    scene = odd_scene()
    small = scene.scaled(factor)
    assert (small.width, small.height) == (round(WIDTH * factor), round(HEIGHT * factor))
    corners = np.array([[-0.5, -0.5], [WIDTH - 0.5, HEIGHT - 0.5]]).T
    small_corners = np.array([[-0.5, -0.5], [small.width - 0.5, small.height - 0.5]]).T
    for view in (0, 41):
        assert small.directions_in_cad(view, *small_corners) == pytest.approx(scene.directions_in_cad(view, *corners), abs=1e-12)


def test_there_is_a_matrix_for_each_view() -> None:
    with pytest.raises(ValueError, match="for 42 views"):
        make_scene(intrinsics=odd_intrinsics(41))


def test_samples_of_a_request_are_taken_exactly_whatever_the_quality() -> None:
    for quality in ("standard", "draft", "reference"):
        sampling = sampling_for(quality, 7)
        assert (sampling.samples, sampling.bound, sampling.max_samples) == (7, None, None)


def test_a_quality_that_promises_an_error_may_take_so_many_samples_at_most() -> None:
    assert [sampling_for(quality, max_samples=64).max_samples for quality in ("standard", "draft", "reference")] == [64, 64, None]
    assert sampling_for("standard").max_samples == DEFAULT_MAX_SAMPLES


def test_reference_samples_and_denoises_as_the_stock_procedure() -> None:
    sampling = sampling_for("reference")
    assert (sampling.samples, sampling.denoiser, sampling.dither) == (50, "compositor", True)
    assert sampling_for("reference", 20).denoiser == "compositor"


def test_a_sampling_is_called_by_its_quality_unless_the_request_gave_the_samples() -> None:
    for quality in get_args(Quality):
        assert quality_name(sampling_for(quality, max_samples=99)) == quality
        assert quality_name(sampling_for(quality, samples=3)) == "exact"
