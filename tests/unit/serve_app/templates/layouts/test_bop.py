from __future__ import annotations

from pathlib import Path

import numpy as np

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
