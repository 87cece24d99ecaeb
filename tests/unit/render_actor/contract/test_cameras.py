from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from render_actor.contract.cameras import POSE_LIST_RADIUS, VIEW_COUNTS, camera_poses, look_at_origin

LISTS = Path(__file__).parents[5] / "shared" / "reference" / "poses"


@pytest.mark.parametrize("level", [0, 1, 2])
def test_matches_the_published_lists_in_order(level: int) -> None:
    published = LISTS / f"cam_poses_level{level}.npy"
    if not published.exists():
        pytest.skip("the published lists are not here")
    expected = np.load(published)
    assert np.abs(camera_poses(level) - expected).max() < 1e-6


@pytest.mark.parametrize("level", [0, 1, 2])
def test_poses_are_rigid_and_look_at_the_origin(level: int) -> None:
    poses = camera_poses(level)
    assert poses.shape == (VIEW_COUNTS[level], 4, 4)
    rotations, centres = poses[:, :3, :3], poses[:, :3, 3]
    assert np.allclose(rotations @ rotations.transpose(0, 2, 1), np.eye(3), atol=1e-12)
    assert np.allclose(np.linalg.det(rotations), 1.0)
    assert np.allclose(np.linalg.norm(centres, axis=1), POSE_LIST_RADIUS, atol=1e-3)
    assert np.allclose(rotations[:, :, 2], -centres / np.linalg.norm(centres, axis=1, keepdims=True))


def test_order_is_elevation_then_azimuth() -> None:
    centres = camera_poses(0)[:, :3, 3]
    elevation = np.arctan2(centres[:, 2], np.hypot(centres[:, 0], centres[:, 1]))
    assert (np.diff(elevation) >= 0).all()
    equator = centres[np.abs(elevation) < 1e-9]
    assert (np.diff(np.arctan2(equator[:, 0], equator[:, 1])) > 0).all()


def test_each_level_holds_the_one_before() -> None:
    coarse, fine = camera_poses(0)[:, :3, 3], camera_poses(1)[:, :3, 3]
    nearest = np.linalg.norm(coarse[:, None] - fine[None], axis=2).min(axis=1)
    assert nearest.max() < 1e-3


def test_image_up_at_the_poles_is_minus_y_and_elsewhere_minus_z() -> None:
    pole = look_at_origin(np.array([0.0, 0.0, 5.0]))
    assert np.allclose(pole[:3, 1], [0, -1, 0])
    side = look_at_origin(np.array([3.0, 0.0, 0.0]))
    assert np.allclose(side[:3, 1], [0, 0, -1])


def test_unknown_level_says_which_there_are() -> None:
    with pytest.raises(ValueError, match="0, 1 or 2"):
        camera_poses(3)
