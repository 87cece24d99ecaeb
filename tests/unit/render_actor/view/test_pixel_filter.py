from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.view.pixel_filter import FILTER_WIDTH, PASSES, POINTS, kernels, lattice

Floats = NDArray[np.float64]

PARTS = [(part,) for part in range(PASSES)]
ALL = tuple(range(PASSES))


def points_and_weights(parts: tuple[int, ...]) -> tuple[Floats, Floats]:
    """(144 a pass, 2) places from a pixel's centre, x right and y down, and their shares in the pixel."""
    down, right = np.mgrid[-1:2, -1:2]
    places, weights = [], []
    for part in parts:
        for point, kernel in zip(lattice(part), kernels(lattice(part)), strict=True):
            places.append(np.stack([right + point[0], down + point[1]], axis=-1).reshape(-1, 2))
            weights.append(kernel.ravel() / len(parts))
    return np.concatenate(places), np.concatenate(weights)


def window(distance: Floats) -> Floats:
    """Blackman and Harris's window as their paper has it, 0 from ``FILTER_WIDTH`` on."""
    phase = np.pi * distance / FILTER_WIDTH
    value = 0.35875 + 0.48829 * np.cos(phase) + 0.14128 * np.cos(2 * phase) + 0.01168 * np.cos(3 * phase)
    return np.where(np.abs(distance) < FILTER_WIDTH, value, 0.0)


_GRID = (np.arange(300) + 0.5) / 300 * 2 * FILTER_WIDTH - FILTER_WIDTH
_X, _Y = np.meshgrid(_GRID, _GRID)
_SHARE = window(_X) * window(_Y)
_SHARE /= _SHARE.sum()


def filtered(function: Callable[[Floats, Floats], Floats]) -> float:
    """The mean over the filter, by a grid of 90,000 points."""
    return float((function(_X, _Y) * _SHARE).sum())


@pytest.mark.parametrize("part", range(PASSES))
def test_the_weights_of_a_pass_are_shares(part: int) -> None:
    found = kernels(lattice(part))
    assert found.shape == (POINTS, 3, 3) and (found >= 0).all()
    assert found.sum() == pytest.approx(1.0, abs=1e-12)


def test_the_points_of_all_passes_differ_in_both_coordinates_and_lie_in_the_pixel() -> None:
    places = np.concatenate([lattice(part) for part in ALL])
    assert places.shape == (PASSES * POINTS, 2) and np.abs(places).max() < 0.5
    for axis in range(2):
        assert len(np.unique(places[:, axis])) == PASSES * POINTS
        assert np.diff(np.sort(places[:, axis])) == pytest.approx(1 / (PASSES * POINTS))


def test_a_point_weighs_the_more_the_nearer_it_is() -> None:
    for point, kernel in zip(lattice(0), kernels(lattice(0)), strict=True):
        assert kernel[1, 1] == kernel.max()
        assert (kernel[:, 2] > kernel[:, 0]).all() == (point[0] < 0)  # Left of its own centre, it is nearer to the pixel on the right's.
        assert (kernel[2] > kernel[0]).all() == (point[1] < 0)


@pytest.mark.parametrize(("parts", "tolerance"), [*((part, 0.02) for part in PARTS), (ALL, 1e-3)])
def test_moments_are_symmetric_and_the_filters(parts: tuple[int, ...], tolerance: float) -> None:
    places, weights = points_and_weights(parts)
    assert np.abs(weights @ places).max() < tolerance
    assert abs(weights @ places.prod(axis=1)) < tolerance
    squares = weights @ places**2
    assert squares == pytest.approx([filtered(lambda x, y: x**2)] * 2, abs=tolerance)


SMOOTH: dict[str, Callable[[Floats, Floats], Floats]] = {
    "plane": lambda x, y: 0.3 + 0.2 * x - 0.4 * y,
    "bowl": lambda x, y: x**2 + 0.5 * x * y - y**2,
    "wave": lambda x, y: np.sin(2 * x + y) + np.cos(x - 2 * y),
    "bump": lambda x, y: np.exp(-3 * ((x - 0.4) ** 2 + (y + 0.3) ** 2)),
}


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize(("parts", "tolerance"), [*((part, 0.02) for part in PARTS), (ALL, 2e-3)])
def test_smooth_functions_are_integrated(parts: tuple[int, ...], tolerance: float, name: str) -> None:
    places, weights = points_and_weights(parts)
    assert weights @ SMOOTH[name](places[:, 0], places[:, 1]) == pytest.approx(filtered(SMOOTH[name]), abs=tolerance)


def shares_of_half_planes(places: Floats, weights: Floats) -> Floats:
    """(24, 31) what lies on one side of edges at all angles and places."""
    shares = []
    for angle in np.linspace(0, np.pi, 24, endpoint=False):  # 0 and 90 degrees are among them: CADs have many such edges.
        along = places @ (np.cos(angle), np.sin(angle))
        order = np.argsort(along)
        sums = np.concatenate([[0.0], np.cumsum(weights[order])])
        shares.append(sums[np.searchsorted(along[order], np.linspace(-1.2, 1.2, 31))])
    return np.array(shares)


def test_half_planes_of_any_angle_are_integrated() -> None:
    truth = shares_of_half_planes(np.stack([_X, _Y], axis=-1).reshape(-1, 2), _SHARE.ravel())
    once = np.stack([shares_of_half_planes(*points_and_weights(part)) - truth for part in PARTS])
    twice, together = (shares_of_half_planes(*points_and_weights(parts)) - truth for parts in ((0, 1), ALL))
    # As many points by chance are off by 0.03 and 0.015 in the mean.
    assert np.abs(once).max() < 0.09 and np.sqrt(np.square(once).mean()) < 0.017
    assert np.abs(twice).max() < 0.06 and np.sqrt(np.square(twice).mean()) < 0.01
    assert np.abs(together).max() < 0.045 and np.sqrt(np.square(together).mean()) < 0.006
