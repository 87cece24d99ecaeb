"""Samples a view until its error is small enough: each view gets what it needs, and no more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.error_bound import ErrorBound
from render_actor.contract.view_quality import ViewQuality
from render_actor.view.block import Block, joined
from render_actor.view.control_variate import Correction, Guide, correction, no_correction
from render_actor.view.denoiser_bias import Mixture, mixture, unseen
from render_actor.view.error_estimate import EXPONENT, Denoised, ToneCurve, estimated_error, measured_exponent, samples_for


def refined(
    sample: Callable[[int, int], Block],
    denoise: Callable[[Block], NDArray[np.float32]],
    mask: NDArray[np.bool_],
    tone: ToneCurve,
    bound: ErrorBound,
    first: int,
    most: int,
    guide: Guide | None = None,
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
        guide: of the view, where its expected value is known.

    Returns:
        (H, W, 3) linear RGB, denoised, and what it took. It is a function of the samples alone: the same on every renderer.
    """
    most = max(2, most)  # An estimate needs two halves.
    half = min(first, most) // 2
    blocks = [sample(0, half), sample(half, half)]
    correct = _correction(blocks, guide, tone)
    before = _denoised(correct.of(blocks[0]), denoise)
    exponent = EXPONENT
    last: tuple[int, float] | None = None
    while True:
        taken = joined(blocks)
        earlier, correct = correct, _correction(blocks, guide, tone) if len(blocks) > 2 else correct
        now = _denoised(correct.of(taken), denoise)
        mixed = _mixed(before, now, earlier.of(blocks[-1]), mask, tone)
        error = math.hypot(correct.doubt * mixed.error, correct.rms_error(mask))
        if error <= bound.accepted or taken.samples >= most:
            color = now.color + np.float32(mixed.noisy_part) * (now.noisy - now.color)
            return color, ViewQuality(taken.samples, error, bound.every_view)
        if last is not None:
            exponent = measured_exponent(last, (taken.samples, error))
        before, last = now, (taken.samples, error)
        wanted = samples_for(error, taken.samples, bound.target, most, exponent)
        blocks.append(sample(taken.samples, wanted - taken.samples))


def _correction(blocks: Sequence[Block], guide: Guide | None, tone: ToneCurve) -> Correction:
    return no_correction(blocks[0].color.shape[:2]) if guide is None else correction(blocks, guide, tone)


def _denoised(block: Block, denoise: Callable[[Block], NDArray[np.float32]]) -> Denoised:
    return Denoised(block.samples, denoise(block), block.color)


def _mixed(before: Denoised, now: Denoised, more: Block, mask: NDArray[np.bool_], tone: ToneCurve) -> Mixture:
    """What to show of an image and its denoised form.

    Args:
        before: the image after all samples but the last.
        now: after all samples.
        more: the last samples.
        mask: (H, W) the object's pixels.
        tone: of the view transform.
    """
    error = estimated_error(before, now, mask, tone)
    where = mask if mask.any() else np.ones_like(mask)
    found = unseen(tone(before.color), tone(before.noisy), tone(more.color), where, before.samples, more.samples)
    before_error = error * (now.samples / before.samples) ** EXPONENT
    return mixture(error, before_error, found, before.samples, more.samples)
