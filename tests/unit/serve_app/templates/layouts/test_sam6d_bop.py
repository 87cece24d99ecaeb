from __future__ import annotations

from pathlib import Path

import pytest

from render_actor.contract.cameras import SCENE_CAMERA_DISTANCE
from serve_app.templates.layouts.sam6d_bop import Sam6dBop
from tests.readers.sam6d_bop import read
from tests.readers.surface import check_surface
from tests.unit.serve_app.templates.layouts.ball import distances, publish


def test_pem_reads_what_was_rendered(tmp_path: Path) -> None:
    for object_id in (5, 12):
        publish(Sam6dBop(), tmp_path, object_id, views=4)
    read_views = read(tmp_path, [12, 5], wanted=4)
    assert sorted(read_views) == [5, 12]
    for view in read_views[5] + read_views[12]:
        check_surface(view, distances)


def test_a_file_too_many_would_be_noticed(tmp_path: Path) -> None:
    publish(Sam6dBop(), tmp_path, 5, views=4)
    (tmp_path / "manifest.json").touch()
    with pytest.raises(AssertionError, match="2 folders for 1 objects"):
        read(tmp_path, [5], wanted=4)
    (tmp_path / "manifest.json").rename(tmp_path / "obj_000005" / "manifest.json")
    with pytest.raises(AssertionError, match="something else"):
        read(tmp_path, [5], wanted=4)


def test_cameras_two_diameters_away_are_the_stock_scale_of_one_over_the_diameter() -> None:
    assert Sam6dBop.distance_diameters == SCENE_CAMERA_DISTANCE
