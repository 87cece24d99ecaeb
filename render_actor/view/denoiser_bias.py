"""What the denoiser takes for noise and is none: fine relief that it smooths, however many samples it gets.

How an image changes with more samples tells nothing of it. Samples that the denoiser has not seen do: their own noise is known from the
difference of two sets of them, and what they differ more from the denoised image is its error. "Dual-buffer" estimates of this kind are
those of Rousselle et al., "Adaptive Rendering with Non-Local Means Filtering", SIGGRAPH Asia 2012.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BLOCK = 16
"""Pixels of a block in each direction: errors of neighbours are alike, those of blocks are nearly independent."""

_SURE = 3.0
"""A bias counts from so many of its standard errors on."""


@dataclass(frozen=True)
class Unseen:
    """How a denoised image compares with samples that it was not made of. All are mean squares over the object's pixels, of 255².

    Attributes:
        error: of the denoised image; may be below 0, since it is a difference of two large numbers.
        uncertainty: standard error of ``error``.
        noise: of the noisy image that was denoised.
        shared: mean product of the errors of the denoised and the noisy image.
    """

    error: float
    uncertainty: float
    noise: float
    shared: float


def unseen(
    denoised: NDArray[np.float64],
    noisy: NDArray[np.float64],
    fresh: NDArray[np.float64],
    mask: NDArray[np.bool_],
    samples: int,
    fresh_samples: int,
) -> Unseen:
    """Compare a denoised image with fresh samples.

    Args:
        denoised: (H, W, 3) as displayed, 0..255.
        noisy: (H, W, 3) what it was made of.
        fresh: (H, W, 3) the mean of other samples.
        mask: (H, W) the pixels that count; at least one.
        samples: in ``noisy``.
        fresh_samples: in ``fresh``.
    """
    both = samples + fresh_samples
    to_fresh, between = denoised - fresh, noisy - fresh
    squares = np.square(between).mean(axis=-1)
    # The noise of each is in inverse proportion to its samples.
    noise_fresh = squares * (samples / both)
    error = np.square(to_fresh).mean(axis=-1) - noise_fresh
    shared = (to_fresh * between).mean(axis=-1) - noise_fresh
    noise = squares * (fresh_samples / both)
    return Unseen(float(error[mask].mean()), _standard_error(error, mask), float(noise[mask].mean()), float(shared[mask].mean()))


@dataclass(frozen=True)
class Mixture:
    """How much of the noisy image to put into the denoised one, and the error of the result.

    Attributes:
        noisy_part: 0..1.
        error: root mean square, of 255.
    """

    noisy_part: float
    error: float


def mixture(change_error: float, before_error: float, found: Unseen, samples: int, fresh_samples: int) -> Mixture:
    """The best mixture of the denoised and the noisy image after all samples.

    Args:
        change_error: root mean square error of the denoised image of all samples, as its changes tell it.
        before_error: the same of the denoised image of the first ``samples``.
        found: of that image, compared with the ``fresh_samples`` after them.
        samples: before.
        fresh_samples: since.
    """
    bias = found.error - before_error**2
    if bias <= _SURE * found.uncertainty:
        return Mixture(0.0, change_error)
    share = samples / (samples + fresh_samples)
    denoised = change_error**2 + bias
    noisy, shared = found.noise * share, found.shared * share
    shared = float(np.clip(shared, 0.0, math.sqrt(denoised * noisy)))
    spread = denoised + noisy - 2 * shared
    part = float(np.clip((denoised - shared) / spread, 0.0, 1.0)) if spread > 0 else 0.0
    error = (1 - part) ** 2 * denoised + part**2 * noisy + 2 * part * (1 - part) * shared
    return Mixture(part, math.sqrt(max(error, 0.0)))


def _standard_error(values: NDArray[np.float64], mask: NDArray[np.bool_]) -> float:
    """Of the mean of values over a mask, from the sums of blocks."""
    height, width = values.shape
    padded = np.zeros((-(-height // _BLOCK) * _BLOCK, -(-width // _BLOCK) * _BLOCK))
    padded[:height, :width] = np.where(mask, values - values[mask].mean(), 0.0)
    sums = padded.reshape(len(padded) // _BLOCK, _BLOCK, -1, _BLOCK).sum(axis=(1, 3))
    return float(np.sqrt(np.square(sums).sum()) / mask.sum())
