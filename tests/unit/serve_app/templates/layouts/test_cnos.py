from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from render_actor.contract.cameras import camera_poses
from serve_app.templates.layouts.cnos import Cnos
from serve_app.templates.layouts.layout import Cameras
from serve_app.templates.layouts.level_indices import indices_in_level_2
from tests.readers.cnos import LEVEL_0, read, read_own
from tests.unit.serve_app.templates.layouts.ball import SMALL, publish


def test_numbers_of_level_0_are_those_that_cnos_asks_for() -> None:
    assert len(LEVEL_0) == 42 and sorted(indices_in_level_2(0)) == LEVEL_0


@pytest.mark.parametrize(("level", "views"), [(0, 42), (1, 162), (2, 642)])
def test_a_number_names_the_camera_that_stands_in_the_same_place(level: int, views: int) -> None:
    numbers = indices_in_level_2(level)
    assert len(set(numbers)) == views
    # 1e-3 of 1000: a midpoint's last bit.
    assert np.abs(camera_poses(level) - camera_poses(2)[list(numbers)])[:, :3, 3].max() < 1e-3


def test_level_2_keeps_its_numbers() -> None:
    assert indices_in_level_2(2) == tuple(range(642))


def test_cnos_reads_what_was_rendered(tmp_path: Path) -> None:
    for object_id in (5, 12):
        rendered = publish(Cnos(), tmp_path, object_id, views=42)
    read_views = read(tmp_path)
    assert sorted(read_views) == [5, 12] and len(read_own(tmp_path / "obj_000012")) == 42
    numbered = dict(zip(indices_in_level_2(0), rendered.views, strict=True))
    for number, view in zip(LEVEL_0, read_views[12], strict=True):
        assert view.box == numbered[number].mask_box and view.mask.sum() == numbered[number].mask_pixels


def test_only_cameras_of_a_level_have_a_number() -> None:
    pinhole = (80.0, 82.0, 50.0, 30.0)
    assert Cnos().refusal(Cameras(True, pinhole, (SMALL.width, SMALL.height))) is None
    refusal = Cnos().refusal(Cameras(False, pinhole, (640, 480)))
    assert refusal is not None and "level 0, 1 or 2" in refusal.detail
