from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.view.error_estimate import Denoised, estimated_error, samples_for
from tests.unit.render_actor.view.noisy_views import OBJECT, SIZE, TONE, Image, NoisyView, as_it_is, blurred, displayed_error

MAX_FACTOR = 2.5
"""An estimate is no more than so many times too high or too low, whatever the noise and the denoiser are like. On real views it is far
nearer; these are of kinds that nothing was fitted to."""

PARTS = [(2, 4), (4, 8), (6, 8), (8, 32), (16, 20), (32, 64), (64, 256)]
"""Samples of the earlier image and of the later one: halves, small steps and large ones."""


def patches(low: float, high: float) -> NDArray[np.float64]:
    """Noise that differs from one part of the picture to the next."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] // 12
    return np.where((rows + columns) % 2, low, high)


def edges() -> NDArray[np.float64]:
    """Noise in every eighth column alone."""
    return np.where(np.arange(SIZE) % 8 == 0, 0.5, 0.0)[None].repeat(SIZE, axis=0)


NOISE: dict[str, float | NDArray[np.float64]] = {
    "faint": 0.01,
    "ordinary": 0.1,
    "strong": 0.8,
    "patches": patches(0.02, 0.4),
    "edges": edges(),
}


def denoised(view: NoisyView, samples: int) -> Denoised:
    block = view.block(0, samples)
    return Denoised(samples, view.denoise(block), block.color)


def estimate(view: NoisyView, before: int, now: int, mask: NDArray[np.bool_] = OBJECT) -> float:
    return estimated_error(denoised(view, before), denoised(view, now), mask, TONE)


@pytest.mark.parametrize(("before", "now"), PARTS)
@pytest.mark.parametrize("denoiser", [as_it_is, blurred])
@pytest.mark.parametrize("noise", NOISE)
def test_the_estimate_is_near_the_true_error(noise: str, denoiser: Callable[[Image], Image], before: int, now: int) -> None:
    view = NoisyView(NOISE[noise], denoiser)
    true = displayed_error(view.denoise(view.block(0, now)), view.limit, OBJECT)
    assert true / MAX_FACTOR < estimate(view, before, now) < true * MAX_FACTOR


def test_more_noise_and_fewer_samples_are_a_larger_error() -> None:
    by_noise = [estimate(NoisyView(sigma, blurred), 4, 8) for sigma in (0.01, 0.03, 0.1, 0.3, 1.0)]
    by_samples = [estimate(NoisyView(0.3, blurred), samples // 2, samples) for samples in (64, 32, 16, 8, 4)]
    for errors in (by_noise, by_samples):
        assert errors == sorted(errors) and errors[-1] > 2 * errors[0]


def test_unequal_steps_to_the_same_image_give_about_the_same_error() -> None:
    for denoiser in (as_it_is, blurred):
        errors = [estimate(NoisyView(0.2, denoiser), before, 32) for before in (4, 8, 16, 24, 28)]
        assert max(errors) < 1.5 * min(errors)


def test_an_image_that_no_longer_changes_has_no_error() -> None:
    assert estimate(NoisyView(0.0), 4, 8) == 0.0
    white = Denoised(4, np.full((SIZE, SIZE, 3), 20.0, np.float32), np.full((SIZE, SIZE, 3), 20.0, np.float32))
    whiter = Denoised(8, 2 * white.color, 3 * white.noisy)
    assert estimated_error(white, whiter, OBJECT, TONE) == 0.0


def test_noise_that_the_denoiser_takes_away_whole_is_no_error() -> None:
    noisy = NoisyView(0.5)
    images = [Denoised(samples, noisy.truth, noisy.block(0, samples).color) for samples in (4, 8)]
    assert estimated_error(images[0], images[1], OBJECT, TONE) == 0.0


def test_only_the_objects_pixels_count() -> None:
    outside, inside = NoisyView(np.where(OBJECT, 0.0, 0.5)), NoisyView(np.where(OBJECT, 0.3, 0.0))
    assert estimate(outside, 4, 8) == 0.0
    everywhere = NoisyView(np.where(OBJECT, 0.3, 5.0))
    assert estimate(everywhere, 4, 8) == estimate(inside, 4, 8) > 0.0


def test_a_single_pixel_is_enough_and_without_any_all_count() -> None:
    view, nothing = NoisyView(0.2), np.zeros_like(OBJECT)
    one = nothing.copy()
    one[30, 30] = True
    assert 0.0 < estimate(view, 4, 8, one) < 255.0
    assert estimate(view, 4, 8, nothing) == estimate(view, 4, 8, np.ones_like(OBJECT)) > 0.0


ERRORS = [0.01, 0.5, 0.89, 0.9, 0.91, 1.0, 1.3, 2.0, 5.0, 40.0, 255.0, math.inf]


@pytest.mark.parametrize("most", [3, 9, 64, 100, 255, 256, 4096])
@pytest.mark.parametrize("samples", [2, 3, 8, 9, 64, 254, 255])
def test_further_samples_are_more_than_before_and_no_more_than_the_cap(samples: int, most: int) -> None:
    if samples >= most:
        return
    counts = [samples_for(error, samples, 0.9, most) for error in ERRORS]
    assert all(samples < count <= most for count in counts)
    assert all(count % 2 == 0 or count == most for count in counts)
    assert counts == sorted(counts)


def test_a_smaller_target_takes_more_samples() -> None:
    counts = [samples_for(3.0, 8, target, 4096) for target in (2.5, 2.0, 1.5, 1.0)]
    assert counts == sorted(counts) and counts[0] < counts[-1]


@pytest.mark.parametrize("needed", [5, 12, 31, 100, 240])
def test_a_target_is_met_in_few_steps_and_without_many_samples_too_many(needed: int) -> None:
    samples, steps = 4, 0
    while samples < needed:  # Independent samples: the error is 1 with those that are needed.
        samples, steps = samples_for(math.sqrt(needed / samples), samples, 1.0, 256), steps + 1
    assert steps <= 6 and samples <= 1.3 * needed + 2


def test_from_four_samples_the_next_are_at_least_eight_unless_the_cap_is_less() -> None:
    assert samples_for(1.05, 4, 1.0, 64) == samples_for(1.6, 4, 1.0, 64) == 8
    assert samples_for(1.05, 4, 1.0, 6) == 6 and samples_for(1.05, 2, 1.0, 64) == 4
    assert samples_for(1.05, 8, 1.0, 64) < 16
