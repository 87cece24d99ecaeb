"""Samples a view until its error is small enough: each view gets what it needs, and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.error_bound import ErrorBound
from render_actor.contract.view_quality import ViewQuality
from render_actor.view.error_estimate import EXPONENT, Denoised, ToneCurve, estimated_error, measured_exponent, samples_for


@dataclass(frozen=True)
class Block:
    """Mean of some samples of each pixel.

    Attributes:
        samples: how many.
        color: (H, W, 3) linear RGB.
        albedo: (H, W, 3) linear RGB of the surfaces that were seen.
    """

    samples: int
    color: NDArray[np.float32]
    albedo: NDArray[np.float32]

    def with_more(self, more: Block) -> Block:
        """The mean of these samples and others."""
        samples = self.samples + more.samples
        weight = np.float32(more.samples / samples)
        return Block(samples, self.color + weight * (more.color - self.color), self.albedo + weight * (more.albedo - self.albedo))


def refined(
    sample: Callable[[int, int], Block],
    denoise: Callable[[Block], NDArray[np.float32]],
    mask: NDArray[np.bool_],
    tone: ToneCurve,
    bound: ErrorBound,
    first: int,
    most: int,
) -> tuple[NDArray[np.float32], ViewQuality]:
    """An image whose estimated error is within its bound, or the best that the cap allows.

    Args:
        sample: takes samples of each pixel; arguments are the number of the first and how many.
        denoise: (H, W, 3) linear RGB of what has been sampled.
        mask: (H, W) the object's pixels.
        tone: of the view transform.
        bound: of the error.
        first: samples a pixel that are taken in any case, in two halves.
        most: samples a pixel.

    Returns:
        (H, W, 3) linear RGB, denoised, and what it took. It is a function of the samples alone: the same on every renderer.
    """
    most = max(2, most)  # An estimate needs two halves.
    half = min(first, most) // 2
    taken = sample(0, half)
    before = Denoised(half, denoise(taken), taken.color)
    wanted, exponent = 2 * half, EXPONENT
    last: tuple[int, float] | None = None
    while True:
        taken = taken.with_more(sample(taken.samples, wanted - taken.samples))
        now = Denoised(taken.samples, denoise(taken), taken.color)
        error = estimated_error(before, now, mask, tone)
        if error <= bound.accepted or taken.samples >= most:
            return now.color, ViewQuality(taken.samples, error, bound.every_view)
        if last is not None:
            exponent = measured_exponent(last, (taken.samples, error))
        before, last = now, (taken.samples, error)
        wanted = samples_for(error, taken.samples, bound.target, most, exponent)
