"""What is left of the noise in a denoised image, told by how much the last samples have changed it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_FACTOR, _NOISE_EXPONENT, _SAMPLES_EXPONENT = 0.816, 0.328, 0.083
"""Fitted on 24 views of 13 CADs of all kinds with 4 to 64 samples, against 512. The error is 0.7 to 1.6 times the change of the denoised
image; the noisier the samples are beside it, the more the denoiser has removed that is no noise. What is left of the difference has a
standard deviation of 7 %."""

_NOISE_RANGE = (1.0, 30.0)

EXPONENT = 0.47
"""The error of a denoised image falls with this power of the samples: 0.52 from 4 samples on, 0.44 up to 64, on the same views."""

_EXPONENT_RANGE = (0.35, 0.9)
"""Textures come near the upper end, shadows and broken normals near the lower."""

_MIN_STEP, _MAX_STEP = 1.3, 2
"""Times the samples that there are, in one step. Where the error falls faster or slower than that of independent samples, an estimate
over a larger step is wrong by up to a half; over a smaller one, the denoiser's own unrest counts more than the new samples."""


_FEW = 8
"""Samples that are spread evenly, as 4 are; with 6, errors are larger (a polished CAD 2.1 for 1.6 of 255) and told worse."""


@dataclass(frozen=True)
class Denoised:
    """An image after some samples.

    Attributes:
        samples: of each pixel.
        color: (H, W, 3) linear RGB, denoised.
        noisy: (H, W, 3) linear RGB, as sampled.
    """

    samples: int
    color: NDArray[np.float32]
    noisy: NDArray[np.float32]


@dataclass(frozen=True)
class ToneCurve:
    """The view transform of greys, by which errors are seen; exact enough for an estimate also of colours.

    Attributes:
        linear: (K,) rising.
        display: (K,) 0..255.
    """

    linear: NDArray[np.float32]
    display: NDArray[np.float32]

    def __call__(self, color: NDArray[np.float32]) -> NDArray[np.float64]:
        """Linear to 0..255, of any shape."""
        return np.interp(color, self.linear, self.display)


def estimated_error(before: Denoised, now: Denoised, mask: NDArray[np.bool_], tone: ToneCurve) -> float:
    """Root mean square error of an image to the converged one, of 255.

    Args:
        before: the image after a part of the samples.
        now: the image, of the same samples and more.
        mask: (H, W) the pixels that count; where there are none, all count.
        tone: of the view transform.
    """
    where = mask if mask.any() else np.ones_like(mask)
    change = _rms(tone(now.color[where]) - tone(before.color[where]))
    if change == 0.0:
        return 0.0
    noise = _rms(tone(now.noisy[where]) - tone(before.noisy[where]))
    # Of independent samples, a part is as far from the whole as the whole is from the truth when it is half of it.
    error = change * math.sqrt(before.samples / (now.samples - before.samples))
    error *= _FACTOR * np.clip(noise / change, *_NOISE_RANGE) ** _NOISE_EXPONENT * (now.samples / 8) ** _SAMPLES_EXPONENT
    return float(error)


def measured_exponent(before: tuple[int, float], now: tuple[int, float]) -> float:
    """The power of the samples with which a view's error falls.

    Args:
        before: samples, and the error with them.
        now: more samples, and the error with those.
    """
    (fewer, larger), (more, smaller) = before, now
    if smaller <= 0.0:
        return _EXPONENT_RANGE[1]
    return float(np.clip(math.log(larger / smaller) / math.log(more / fewer), *_EXPONENT_RANGE)) if larger > 0.0 else _EXPONENT_RANGE[0]


def samples_for(error: float, samples: int, target: float, most: int, exponent: float = EXPONENT) -> int:
    """How many samples bring an error down to a target, as far as that can be foreseen.

    Args:
        error: with ``samples`` samples.
        samples: taken so far.
        target: error to reach.
        most: samples at most; more than ``samples``.
        exponent: power of the samples with which the error falls.

    Returns:
        More than ``samples``, and even where ``most`` allows it.
    """
    wanted = samples * (error / target) ** (1 / exponent)
    step = min(max(wanted, samples + 2, samples * _MIN_STEP, min(_FEW, samples * _MAX_STEP)), samples * _MAX_STEP, most)
    if most < step * _MIN_STEP:
        return most  # What was left would be too small a step.
    return min(2 * math.ceil(step / 2), most)


def _rms(difference: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.square(difference).mean()))
