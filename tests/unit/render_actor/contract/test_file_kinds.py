from __future__ import annotations

import pytest

from render_actor.contract.file_kinds import TEMPLATE, WantedFiles, depth_scale_for


@pytest.mark.parametrize(
    ("farthest", "scale"), [(10.0, 0.1), (6553.0, 0.1), (6554.0, 1.0), (65_535.0, 1.0), (65_536.0, 10.0), (6e6, 100.0), (7e6, None)]
)
def test_the_finest_depth_scale_that_holds_a_depth(farthest: float, scale: float | None) -> None:
    assert depth_scale_for(farthest) == scale


def test_more_kinds_cover_fewer_and_a_depth_only_one_of_its_own_scale() -> None:
    depth = WantedFiles(("rgb", "mask", "xyz", "depth"), 0.1)
    assert depth.covers(TEMPLATE) and depth.covers(WantedFiles(("depth", "rgb"), 0.1)) and not TEMPLATE.covers(depth)
    assert not depth.covers(WantedFiles(("depth",), 1.0)) and depth.of_rays and not TEMPLATE.of_rays
