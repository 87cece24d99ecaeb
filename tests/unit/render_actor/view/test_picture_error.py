from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.view.direct_image import _HALVES
from render_actor.view.picture_error import by_chance, displayed, rms, worst
from render_actor.view.pixel_filter import NET, kernels, net

SIZE, APART, WIDTH = 96, 7.0, 0.8
SLOPE = np.ones((SIZE, SIZE, 3), np.float32)
MASK = np.zeros((SIZE, SIZE), dtype=bool)
MASK[4:-4, 4:-4] = True
Image = NDArray[np.float32]


def lines(angle: float, points: int) -> tuple[Image, Image, Image]:
    """A print of fine lines by so many points of each pixel: the picture, half the difference of two halves, and the mean square."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE].astype(np.float64)
    both, squares = np.zeros((2, SIZE, SIZE, 3), np.float32), np.zeros((SIZE, SIZE), np.float32)
    for number, ((x, y), kernel) in enumerate(zip(net(0, points), kernels(net(0, points)), strict=True)):
        across = ((columns + x) * np.cos(angle) + (rows + y) * np.sin(angle)) % APART
        seen = np.repeat(np.where(across < WIDTH, 100.0, 0.0).astype(np.float32)[..., None], 3, axis=-1)
        both[(number & _HALVES).bit_count() % 2] += cv2.filter2D(seen, -1, kernel)
        squares += cv2.filter2D(np.square(seen).sum(axis=-1), -1, kernel)
    return both[0] + both[1], both[0] - both[1], squares


ANGLES = np.linspace(0.05, 3.1, 24)


def found(angle: float, points: int = 4) -> tuple[Image, Image, Image]:
    """The true error of so many points a pixel, what the halves tell, and what the spread of the points tells."""
    picture, halves, squares = lines(angle, points)
    true = displayed(picture - lines(angle, NET)[0], SLOPE, MASK)
    return true, displayed(halves, SLOPE, MASK), by_chance(squares, picture, SLOPE, MASK, points)


def test_halves_of_the_points_miss_what_both_of_them_miss() -> None:
    """This is why there is another estimate."""
    missed = [np.mean(halves[true > 4.0] < 0.3 * true[true > 4.0]) for true, halves, _ in map(found, ANGLES) if (true > 4.0).any()]
    assert max(missed) > 0.3


@pytest.mark.parametrize("angle", ANGLES)
def test_the_spread_of_the_points_tells_where_fine_lines_are_off(angle: float) -> None:
    true, _, told = found(angle)
    assert np.mean(told[true > 4.0] > 0.25 * true[true > 4.0]) > 0.97


def test_it_is_as_large_as_the_error_over_all_and_falls_with_it() -> None:
    ratios = [rms(told, MASK) / rms(true, MASK) for true, _, told in map(found, ANGLES)]
    assert 0.7 < np.median(ratios) < 2.0
    of_more = [rms(told, MASK) / rms(true, MASK) for true, _, told in (found(angle, 16) for angle in ANGLES)]
    assert 0.7 < np.median(of_more) < 5.0  # On lines, points that are well spread do better.
    assert max(rms(found(angle, 16)[2], MASK) / rms(found(angle)[2], MASK) for angle in ANGLES) < 0.5


def test_where_all_points_see_the_same_there_is_none() -> None:
    flat = np.full((SIZE, SIZE, 3), 50.0, np.float32)
    assert by_chance(np.square(flat).sum(axis=-1), flat, SLOPE, MASK, 4).max() < 0.01


def test_off_the_object_there_is_none() -> None:
    assert found(0.4)[2][~MASK].max() == 0.0


def test_the_worst_pixels_are_as_few_as_can_be() -> None:
    error = np.array([[3.0, 1.0, 0.0], [1.0, 4.0, 1.0]], np.float32)
    chosen = worst(error, 1.0)
    assert np.array_equal(chosen, error > 1.0)
    assert not worst(error, 5.0).any()
