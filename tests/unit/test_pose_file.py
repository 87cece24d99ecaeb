from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from render_actor.cameras import camera_poses
from serve_app.errors import ServiceError
from serve_app.pose_file import read_poses


def write(path: Path, poses: Any) -> Path:
    np.save(path, poses, allow_pickle=True)
    return path


def test_a_stock_list_is_taken_as_it_is(tmp_path: Path) -> None:
    poses = camera_poses(0).astype(np.float32)
    assert np.array_equal(read_poses(write(tmp_path / "p.npy", poses), "p.npy"), poses.astype(np.float64))


def spoiled(index: tuple[int, ...], value: float) -> np.ndarray:  # type: ignore[type-arg]
    poses = camera_poses(0)
    poses[index] = value
    return poses


@pytest.mark.parametrize(
    ("poses", "words"),
    [
        (np.zeros((3, 4)), "shape"),
        (np.zeros((0, 4, 4)), "shape"),
        (np.zeros((2049, 4, 4)), "more than 2048"),
        (np.array([object()]), "cannot be read"),
        (np.full((1, 4, 4), "a"), "type"),
        (spoiled((5, 0, 0), np.nan), "pose 5 has NaN"),
        (spoiled((6, 3, 3), 2.0), "pose 6 has the last row"),
        (spoiled((7, 0, 0), 3.0), "pose 7 has a rotation"),
        (camera_poses(0)[:1] * np.diag([1, -1, 1, 1]), "mirrors"),
        (np.eye(4)[None], "at the origin"),
    ],
)
def test_a_bad_list_is_refused_with_the_first_fault(poses: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(ServiceError) as caught:
        read_poses(write(tmp_path / "p.npy", poses), "p.npy")
    assert caught.value.code == "poses_invalid" and caught.value.field == "camera_poses_path"
    assert words in caught.value.detail and "'p.npy'" in caught.value.detail


def test_a_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.npy").write_text("not numpy")
    with pytest.raises(ServiceError):
        read_poses(tmp_path / "p.npy", "p.npy")
