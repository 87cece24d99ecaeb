"""The true error of an image, told by two noisy renders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.converged import NoisyTruth

EVERYWHERE = np.ones((200, 200), dtype=bool)


def _image(values: NDArray[Any]) -> NDArray[Any]:
    return values.round().clip(0, 255).astype(np.uint8)


@pytest.fixture
def scene() -> tuple[NDArray[Any], NoisyTruth]:
    """A converged image and two renders of it with an error of 6 each."""
    chance = np.random.default_rng(1)
    truth = chance.uniform(60, 190, (200, 200, 3))
    return truth, NoisyTruth(tuple(_image(truth + chance.normal(0, 6, truth.shape)) for _ in range(2)), 64)


@pytest.mark.parametrize("error", [0.0, 1.0, 4.0])
def test_the_noise_of_the_renders_is_no_error_of_the_image(scene: tuple[NDArray[Any], NoisyTruth], error: float) -> None:
    truth, renders = scene
    image = _image(truth + np.random.default_rng(2).normal(0, 1, truth.shape) * error)
    assert renders.rmse(image, EVERYWHERE) == pytest.approx(max(error, 0.29), abs=0.15)  # Rounding alone is 0.29.


def test_a_shift_of_all_pixels_is_an_error(scene: tuple[NDArray[Any], NoisyTruth]) -> None:
    truth, renders = scene
    assert renders.rmse(_image(truth + 3), EVERYWHERE) == pytest.approx(3, abs=0.15)


def test_noise_falls_with_the_root_of_the_samples(scene: tuple[NDArray[Any], NoisyTruth]) -> None:
    _, renders = scene
    assert renders.noise(64, EVERYWHERE) == pytest.approx(6, rel=0.05)
    assert renders.noise(64 * 4, EVERYWHERE) == pytest.approx(3, rel=0.05)
