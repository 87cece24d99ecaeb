from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from render_actor.contract.cameras import POSE_LIST_RADIUS, camera_poses, look_at_origin, view_count

PUBLISHED_LISTS = Path(__file__).parents[5] / "shared" / "reference" / "poses"

POSES_SHA256 = (
    "5b786e7e938362e22d8d39c9ca4430728b15d05118fca12e37fd86399ef301be",
    "e882511b100a49d5427c8af714016eb71696d1c5859c1b4c73caeab307535f20",
    "83d6d7804e7dd26e7560ca5e13f5e20b2dbdecbfc19e028adc32eaea9e8328e1",
)
"""Of each level's poses as float64, rounded to 1e-6 so that the last bits of sines and roots do not count."""


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_lists_never_change(level: int) -> None:
    """Template i is seen from camera i: a list in another order makes every template folder wrong."""
    rounded = np.round(camera_poses(level), 6) + 0.0  # Adding 0 turns -0 into 0.
    assert hashlib.sha256(rounded.astype("<f8").tobytes()).hexdigest() == POSES_SHA256[level]


@pytest.mark.skipif(not PUBLISHED_LISTS.is_dir(), reason="the published lists are not here; the hashes above pin our own")
@pytest.mark.parametrize("level", [0, 1, 2])
def test_matches_the_published_lists_in_order(level: int) -> None:
    expected = np.load(PUBLISHED_LISTS / f"cam_poses_level{level}.npy")
    assert np.abs(camera_poses(level) - expected).max() < 1e-6


@pytest.mark.parametrize("level", [0, 1, 2])
def test_poses_are_rigid_and_look_at_the_origin(level: int) -> None:
    poses = camera_poses(level)
    assert poses.shape == (view_count(level), 4, 4)
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


def test_the_levels_have_42_162_and_642_views() -> None:
    assert [view_count(level) for level in (0, 1, 2)] == [42, 162, 642]


@pytest.mark.parametrize("level", [-1, 3])
def test_unknown_level_says_which_there_are(level: int) -> None:
    for function in (camera_poses, view_count):
        with pytest.raises(ValueError, match=f"0, 1 or 2 .* got {level}"):
            function(level)
