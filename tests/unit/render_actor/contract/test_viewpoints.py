from __future__ import annotations

import numpy as np
import pytest

from render_actor.contract.cameras import look_at_origin
from render_actor.contract.viewpoints import fibonacci_directions, viewpoint_poses


@pytest.mark.parametrize("count", [1, 2, 57, 400])
def test_directions_are_spread_evenly(count: int) -> None:
    directions = fibonacci_directions(count)
    assert directions.shape == (count, 3) and np.linalg.norm(directions, axis=1) == pytest.approx(np.ones(count))
    assert np.abs(directions.mean(axis=0)).max() < 1 / count or count == 1
    if count > 2:
        nearest = np.sort(directions @ directions.T, axis=1)[:, -2]
        # Neighbours of a hexagonal lattice are this far apart.
        lattice = np.sqrt(8 * np.pi / np.sqrt(3) / count)
        assert (np.arccos(nearest) > 0.5 * lattice).all() and (np.arccos(nearest) < 1.5 * lattice).all()


def test_the_middle_of_an_odd_number_is_the_x_axis_and_heights_rise() -> None:
    directions = fibonacci_directions(57)
    assert directions[28] == pytest.approx([1, 0, 0])
    assert np.diff(directions[:, 2]) == pytest.approx(np.full(56, 2 / 57))


def test_for_each_viewpoint_all_turns() -> None:
    poses = viewpoint_poses(5, 4)
    assert poses.shape == (20, 4, 4)
    for view, pose in enumerate(poses):
        viewpoint, turn = divmod(view, 4)
        upright = look_at_origin(1000 * fibonacci_directions(5)[viewpoint])
        assert pose[:3, 2:] == pytest.approx(upright[:3, 2:])  # The same place and axis.
        angle = np.radians(90 * turn)
        assert pose[:3, 0] == pytest.approx(upright[:3, 0] * np.cos(angle) + upright[:3, 1] * np.sin(angle), abs=1e-12)
        assert np.linalg.det(pose[:3, :3]) == pytest.approx(1.0)
    assert np.linalg.norm(poses[:, :3, 3], axis=1) == pytest.approx(np.full(20, 1000.0))


def test_one_turn_is_none() -> None:
    assert viewpoint_poses(3, 1) == pytest.approx(np.array([look_at_origin(1000 * direction) for direction in fibonacci_directions(3)]))
