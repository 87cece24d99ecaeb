from __future__ import annotations

import numpy as np
import pytest

from render_actor.contract.intrinsics import FIELD_OF_VIEW, pinhole, shared_intrinsics, stock_intrinsics
from tests.unit.render_actor.contract.odd_cameras import odd_intrinsics


@pytest.mark.parametrize("resolution", [64, 97, 512])
def test_the_stock_field_of_view_reaches_from_edge_to_edge(resolution: int) -> None:
    (f, _, cx), (_, fy, cy), _ = stock_intrinsics(resolution)
    assert f == fy and cx == cy
    for edge, angle in ((-0.5, -FIELD_OF_VIEW / 2), (resolution - 0.5, FIELD_OF_VIEW / 2)):
        assert np.arctan((edge - cx) / f) == pytest.approx(angle)


def test_a_pinholes_principal_point_is_the_middle() -> None:
    assert pinhole(100.0, 80, 61).tolist() == [[100, 0, 39.5], [0, 100, 30], [0, 0, 1]]


def test_views_share_a_matrix_or_do_not() -> None:
    same = np.tile(stock_intrinsics(64), (3, 1, 1))
    shared = shared_intrinsics(same)
    assert shared is not None and np.array_equal(shared, stock_intrinsics(64))
    assert shared_intrinsics(odd_intrinsics(3)) is None
