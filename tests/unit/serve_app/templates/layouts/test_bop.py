from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serve_app.templates.layouts.bop import Bop
from tests.readers.bop import read
from tests.readers.surface import check_surface
from tests.unit.serve_app.templates.layouts.ball import distances, publish


def test_a_trainer_reads_what_was_rendered(tmp_path: Path) -> None:
    rendered = publish(Bop(), tmp_path / "train", 5, views=4)
    views = read(tmp_path / "train", 5)
    assert len(views) == 4
    for view, told in zip(views, rendered.views, strict=True):
        check_surface(view, distances)
        assert view.depth_step == 0.1 and view.pose is not None and np.allclose(view.pose, told.pose)
        assert view.intrinsics is not None and np.array_equal(view.intrinsics, told.intrinsics)


def test_nothing_hides_the_object_so_both_masks_are_the_same() -> None:
    assert Bop().paths("mask", 3, 42) == ("mask/000003_000000.png", "mask_visib/000003_000000.png")


@pytest.mark.parametrize(
    "wrong",
    [
        {"pose": np.array([[1, 0, 0, 1.0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])},
        {"intrinsics": np.array([[0, 0, 1.0], [0, 0, 0], [0, 0, 0]])},
        {"depth": np.full((64, 96), 1.0)},
    ],
)
def test_a_pose_a_matrix_or_a_depth_that_is_one_off_would_be_noticed(tmp_path: Path, wrong: dict[str, Any]) -> None:
    publish(Bop(), tmp_path, 5, views=1)
    view = read(tmp_path, 5)[0]
    check_surface(view, distances)
    assert view.pose is not None and view.intrinsics is not None and view.depth is not None
    changed = {
        "pose": view.pose @ wrong.get("pose", np.eye(4)),
        "intrinsics": view.intrinsics + wrong.get("intrinsics", 0.0),
        "depth": np.where(view.mask, view.depth + wrong.get("depth", 0.0), 0.0),
    }
    with pytest.raises(AssertionError):
        check_surface(dataclasses.replace(view, **changed), distances)
