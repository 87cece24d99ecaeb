"""Samples a view until its error is small enough: each view gets what it needs, and no more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.error_bound import ErrorBound
from render_actor.contract.view_quality import ViewQuality
from render_actor.view.block import Block, joined
from render_actor.view.control_variate import Correction, Guide, correction, no_correction
from render_actor.view.denoiser_bias import Mixture, mixture, unseen
from render_actor.view.error_estimate import EXPONENT, Denoised, ToneCurve, estimated_error, measured_exponent, samples_for
from render_actor.view.guide_slopes import slopes

_GUIDED_FROM = 2
"""Blocks: a view that is good enough with the first ones is done without rays."""

_DENOISED_LEFT = 1.5
"""Of the noise that the guide does not explain the denoiser leaves less than of the whole: about this power."""

_SAMPLES_OF_GUIDE = 8
"""Samples of each pixel that cost as much as the rays and denoising again: the guide is followed where it likely spares more."""

_FOR_WANT_OF_RAYS = 0.25
"""Of the error that is accepted: as independent errors add up, it takes 3 % of the room."""

_MOST_BLOCKS = 4
"""That are kept apart: their differences tell how colour changes with the guide, and each takes 36 bytes a pixel."""


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
    look = _Look(denoise, mask, tone)
    exponent = EXPONENT
    last: tuple[int, float] | None = None
    while True:
        seen = look.at(blocks)
        taken = sum(block.samples for block in blocks)
        if guide is not None and len(blocks) == _GUIDED_FROM and seen.error > bound.accepted:
            hoped = seen.error * slopes(blocks, joined(blocks), tone).noise_left(mask) ** _DENOISED_LEFT
            within = hoped * (taken / most) ** EXPONENT < bound.every_view
            if within and _needed(seen.error, taken, bound) - _needed(hoped, taken, bound) >= _SAMPLES_OF_GUIDE:
                look = _Look(denoise, mask, tone, guide, _FOR_WANT_OF_RAYS * bound.accepted)
                seen = look.at(blocks)
        if seen.error <= bound.accepted or taken >= most:
            return seen.color, ViewQuality(taken, seen.error, bound.every_view)
        if last is not None:
            exponent = measured_exponent(last, (taken, seen.error))
        last = (taken, seen.error)
        wanted = samples_for(seen.error, taken, bound.target, most, exponent)
        if len(blocks) == _MOST_BLOCKS:
            blocks[:2] = [joined(blocks[:2])]
        blocks.append(sample(taken, wanted - taken))


def _needed(error: float, taken: int, bound: ErrorBound) -> float:
    """Samples that a view with this error needs in all, as far as that can be foreseen; more, perhaps, than it may take."""
    return taken * max(error / bound.target, 1.0) ** (1 / EXPONENT)


@dataclass(frozen=True)
class _Seen:
    """The best image of some samples: (H, W, 3) linear RGB, and its estimated error, of 255."""

    color: NDArray[np.float32]
    error: float


class _Look:
    """Looks at a view after each block of samples.

    Args:
        denoise: (H, W, 3) linear RGB of what has been sampled.
        mask: (H, W) the object's pixels.
        tone: of the view transform.
        guide: that the images are corrected by.
        allowed: error that may stay for want of rays.
    """

    def __init__(
        self,
        denoise: Callable[[Block], NDArray[np.float32]],
        mask: NDArray[np.bool_],
        tone: ToneCurve,
        guide: Guide | None = None,
        allowed: float = 0.0,
    ) -> None:
        self._denoise, self._mask, self._tone, self._guide, self._allowed = denoise, mask, tone, guide, allowed
        self._before: Denoised | None = None
        self._correction: Correction | None = None

    def at(self, blocks: Sequence[Block]) -> _Seen:
        """The image of all samples.

        Args:
            blocks: at least two; each time the same as before, and one more.
        """
        now_correct = self._correction_of(blocks)
        correct = self._correction or now_correct
        before = self._before or self._denoised(correct.of(joined(blocks[:-1])))
        now = self._denoised(now_correct.of(joined(blocks)))
        mixed = _mixed(before, now, correct.of(blocks[-1]), self._mask, self._tone)
        self._before, self._correction = now, now_correct
        color = now.color + np.float32(mixed.noisy_part) * (now.noisy - now.color)
        return _Seen(color, math.hypot(now_correct.doubt(self._mask) * mixed.error, now_correct.rms_error(self._mask)))

    def _correction_of(self, blocks: Sequence[Block]) -> Correction:
        if self._guide is None:
            return no_correction(self._mask.shape)
        return correction(blocks, self._guide, self._tone, self._mask, self._allowed)

    def _denoised(self, block: Block) -> Denoised:
        return Denoised(block.samples, self._denoise(block), block.color)


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
