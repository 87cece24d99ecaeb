from __future__ import annotations

import numpy as np
import pytest

from render_actor.contract.error_bound import ErrorBound
from render_actor.view.denoiser_bias import Unseen, mixture, unseen
from render_actor.view.refinement import refined
from tests.unit.render_actor.view.noisy_views import OBJECT, SIZE, TONE, NoisyView, displayed_error, scenery

BOUND = ErrorBound(median=1.0, every_view=1.25)


def smoothed_relief(sigma: float, strength: float) -> NoisyView:
    """A view with relief finer than the denoiser sees: it takes all noise away, and the relief with it."""
    flat = scenery()
    relief = flat * (1 + strength * np.where(np.arange(SIZE) % 2, 1.0, -1.0)[None, :, None])
    return NoisyView(sigma, lambda image: flat, truth=relief.astype(np.float32))


@pytest.mark.parametrize("strength", [0.06, 0.1, 0.2])
def test_relief_that_the_denoiser_smooths_is_an_error_and_is_shown_in_the_end(strength: float) -> None:
    view = smoothed_relief(0.1, strength)
    image, quality = refined(view.sample, view.denoise, OBJECT, TONE, BOUND, 8, 4096)
    true = displayed_error(image, view.truth, OBJECT)
    smooth = displayed_error(view.denoise(view.block(0, 8)), view.truth, OBJECT)
    assert smooth > 1.1 * BOUND.every_view  # What the denoiser alone would give, with any number of samples.
    assert true <= BOUND.every_view and quality.estimated_error is not None
    assert true / 1.5 < quality.estimated_error < 1.5 * true


def test_a_denoiser_without_bias_is_left_alone() -> None:
    view = NoisyView(0.2, lambda image: scenery())
    image, _ = refined(view.sample, view.denoise, OBJECT, TONE, BOUND, 8, 64)
    assert np.array_equal(image, view.truth)


@pytest.mark.parametrize(("samples", "fresh"), [(4, 4), (8, 2), (16, 32)])
def test_the_error_is_told_by_samples_that_the_denoiser_has_not_seen(samples: int, fresh: int) -> None:
    random = np.random.default_rng(7)
    truth = np.full((96, 96, 3), 120.0)
    mask = np.ones((96, 96), dtype=bool)
    noisy, more = (truth + random.normal(0, 20 / np.sqrt(count), truth.shape) for count in (samples, fresh))
    denoised = truth + 3.0
    found = unseen(denoised, noisy, more, mask, samples, fresh)
    assert abs(found.error - 9.0) < 4 * found.uncertainty
    assert found.noise == pytest.approx(400 / samples, rel=0.1)
    assert abs(found.shared) < 2.0


def test_an_uncertain_bias_is_none() -> None:
    assert mixture(1.0, 1.4, Unseen(error=3.0, uncertainty=1.0, noise=4.0, shared=0.5), 8, 8).noisy_part == 0.0
    sure = mixture(1.0, 1.4, Unseen(error=3.0, uncertainty=0.1, noise=1.0, shared=0.5), 8, 8)
    assert 0.0 < sure.noisy_part < 1.0 and sure.error < 1.41


@pytest.mark.parametrize("noise", [0.0, 1e-9, 1e9])
def test_a_mixture_is_always_a_number(noise: float) -> None:
    for shared in (-1e9, 0.0, 1e9):
        found = mixture(0.0, 0.0, Unseen(1.0, 0.0, noise, shared), 4, 4)
        assert 0.0 <= found.noisy_part <= 1.0 and np.isfinite(found.error)
