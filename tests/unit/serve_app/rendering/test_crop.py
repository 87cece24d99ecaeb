from __future__ import annotations

import numpy as np
import pytest
import trimesh

from render_actor.contract.cameras import camera_poses
from render_actor.contract.scene import object_to_scene, poses_in_scene
from render_actor.contract.viewpoints import viewpoint_poses
from render_actor.view.xyz_raycast import ObjectCoordinates
from serve_app.base.errors import ServiceError
from serve_app.rendering.crop import cropped
from tests.reprojection import off_their_pixels
from tests.unit.render_actor.contract.test_scene import make_scene

SIZE = 80
BOX = trimesh.creation.box((60.0, 25.0, 10.0))
BOX.apply_translation((30.0, -8.0, 20.0))
VERTICES = np.asarray(BOX.vertices)
CORNERS = np.array([VERTICES.min(axis=0), VERTICES.max(axis=0)])


def scene(views: int = 6, *, recenter: bool = False):  # type: ignore[no-untyped-def]
    placed = object_to_scene(CORNERS, normalize=True, recenter=recenter, axes="cad")
    return make_scene(object_to_scene=placed, camera_poses=poses_in_scene(viewpoint_poses(views, 2)))


@pytest.mark.parametrize("pad", [0.05, 0.2, 1.0])
def test_the_object_fills_the_image_but_for_the_pad(pad: float) -> None:
    before = scene()
    after = cropped(before, VERTICES, SIZE, pad)
    assert (after.width, after.height) == (SIZE, SIZE)
    coordinates = ObjectCoordinates(VERTICES, BOX.faces.astype(np.int32))
    for view in range(12):
        mask, _ = coordinates.cast(after, view)
        rows, columns = np.nonzero(mask)
        reach = max(SIZE / 2 - columns.min(), columns.max() + 1 - SIZE / 2, SIZE / 2 - rows.min(), rows.max() + 1 - SIZE / 2)
        largest = SIZE / 2 / (1 + pad)
        assert 0.8 * largest < reach < largest + 1  # The box that fits is that of the camera before.
        assert np.array_equal(after.camera_poses[view, :3, 3], before.camera_poses[view, :3, 3])


def test_it_looks_at_the_middle_of_the_box_and_turns_no_more_than_it_must() -> None:
    before = scene()
    after = cropped(before, VERTICES, SIZE, 0.2)
    for view in range(12):
        extent = before.extent(view, VERTICES.T, np.zeros(3))
        assert extent is not None
        middle = np.array([*extent.mean(axis=0), 1.0])
        middle /= np.linalg.norm(middle)
        turn = before.camera_poses[view, :3, :3].T @ after.camera_poses[view, :3, :3]
        assert turn[:, 2] == pytest.approx(middle, abs=1e-6)
        assert np.linalg.det(turn) == pytest.approx(1.0) and turn @ turn.T == pytest.approx(np.eye(3))
        assert np.arccos((np.trace(turn) - 1) / 2) == pytest.approx(np.arccos(middle[2]))
        matrix = after.intrinsics[view]
        assert matrix[0, 0] == matrix[1, 1] and matrix[0, 2] == matrix[1, 2] == (SIZE - 1) / 2


def test_coordinates_are_projected_to_their_pixels() -> None:
    after = cropped(scene(), VERTICES, SIZE, 0.2)
    coordinates = ObjectCoordinates(VERTICES, BOX.faces.astype(np.int32))
    for view, model_to_camera in enumerate(after.model_to_camera_mm()):
        mask, xyz = coordinates.cast(after, view)
        off, rounding = off_their_pixels(xyz, mask, model_to_camera, after.intrinsics[view])
        assert mask.sum() > 100 and (np.abs(off) <= 0.01 + rounding).all() and np.abs(off.mean(axis=0)).max() < 0.01


def test_no_crop_from_inside_the_object() -> None:
    near = make_scene(object_to_scene=np.eye(4), camera_poses=poses_in_scene(camera_poses(0)))
    with pytest.raises(ServiceError, match="camera of view 1 stands inside the object") as caught:
        cropped(near, VERTICES, SIZE, 0.2)
    assert (caught.value.code, caught.value.field) == ("camera_inside_object", "camera")
