"""Samples a view until its error is small enough: each view gets what it needs, and no more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.error_bound import ErrorBound
from render_actor.contract.view_quality import ViewQuality
from render_actor.view.block import Block, joined
from render_actor.view.control_variate import Guide
from render_actor.view.corrected import Corrected, Parts
from render_actor.view.denoiser_bias import Mixture, mixture, unseen
from render_actor.view.direct_image import DirectImage, noise_left
from render_actor.view.error_estimate import EXPONENT, Denoised, ToneCurve, estimated_error, measured_exponent, samples_for
from render_actor.view.expected_samples import (
    direct_is_cheaper,
    direct_is_worth_it,
    enough,
    guide_is_worth_it,
    most_hidden,
    mostly_direct,
    needed,
    outlook,
    room_for_direct,
    stock_error,
    sure_stock_error,
)
from render_actor.view.guide_slopes import slopes
from render_actor.view.narrowing import Change, LeaveOut, Narrowing

_FIRST_BLOCKS = 2
"""A view that is good enough with the first ones is done without rays, and denoised quickly."""

_FOR_WANT_OF_RAYS = 0.25
"""Of the error that is accepted: as independent errors add up, it takes 3 % of the room."""

_HOPELESS = 1.5
"""Times the bound: a view whose error is foreseen to be more with all samples that it may take is not looked at before it has them."""

_NEARLY = 1.05
"""Times the error that is accepted: a view that the slower denoiser likely leaves farther above it gets more samples first."""

_FEW, _TOLD_BY_FEW = 8, 0.9
"""Of the error that is accepted, with fewer samples: two times two tell it a fifth too small now and then (33 CADs)."""

_MOST_BLOCKS = 4
"""That are kept apart: their differences tell how colour changes with the guide, and each takes 60 bytes a pixel."""

Denoise = Callable[[Block], NDArray[np.float32]]
"""(H, W, 3) linear RGB of what has been sampled."""


@dataclass(frozen=True)
class Care:
    """A slower denoiser.

    Attributes:
        denoise: does it.
        error_left: about the part of the quick one's error that it leaves.
        from_samples: it costs less than the samples that it spares in a view that needs so many with the quick one.
    """

    denoise: Denoise
    error_left: float
    from_samples: int


class Direct(Protocol):
    """Tells the direct light of a view."""

    def image(
        self, blocks: Sequence[Block], mask: NDArray[np.bool_], tone: ToneCurve, allowed: float, at_most: float
    ) -> DirectImage | None:
        """See ``ViewDirect.image``."""


def refined(
    sample: Callable[[int, int], Block],
    denoise: Denoise,
    mask: NDArray[np.bool_],
    tone: ToneCurve,
    bound: ErrorBound,
    first: int,
    most: int,
    guide: Guide | None = None,
    care: Care | None = None,
    direct: Direct | None = None,
    leave_out: LeaveOut | None = None,
) -> tuple[NDArray[np.float32], ViewQuality]:
    """An image whose estimated error is within its bound, or the best that the cap allows.

    Args:
        sample: takes samples of each pixel; arguments are the number of the first and how many.
        denoise: as quickly as can be.
        mask: (H, W) the object's pixels.
        tone: of the view transform.
        bound: of the error.
        first: samples a pixel that are taken in any case, in two halves.
        most: samples a pixel.
        guide: of the view, where its expected value is known.
        care: a slower denoiser. A view that needs many samples with the quick one is denoised by it from then on, but for a hopeless one:
            what is finer than a pixel becomes no better by it.
        direct: light of the view, where it is known. The guide's rays are fewer and go first where they are likely enough.
        leave_out: has further samples leave pixels out, where that can be.

    Returns:
        (H, W, 3) linear RGB, denoised, and what it took; the samples are those of the pixels that got most. It is a function of the
        samples alone: the same on every renderer.
    """
    most = max(2, most)  # An estimate needs two halves.
    half = min(first, most) // 2
    blocks = [sample(0, half), sample(half, half)]
    narrowing = Narrowing(mask, tone, leave_out)
    parts, look = Parts(mask, tone), _Look(denoise, tone, narrowing)
    exponent = EXPONENT
    last: tuple[int, float] | None = None
    wanted, left = bound.accepted, 1.0
    while True:
        seen = look.at(parts.of(blocks))
        taken = sum(block.samples for block in blocks)
        first_look, hard, stock = len(blocks) == _FIRST_BLOCKS, False, 0.0
        if first_look and seen.error > _sure(taken) * bound.accepted:
            if direct is not None:
                left, bound = noise_left(blocks, mask, tone), bound.or_at_least(sure_stock_error(seen.error, taken))
                wanted = bound.accepted
            hoped = left * seen.error
            hard = direct is not None and direct_is_worth_it(seen.error, hoped, taken, most, mask, bound)
            within, stock = (bound.accepted, stock_error(seen.error, taken)) if hard else (None, 0.0)
            if guide is not None:
                found = slopes(blocks, joined(blocks), tone)
                if guide_is_worth_it(found.noise_left(mask), seen.error, taken, most, bound, within):
                    allowed = _FOR_WANT_OF_RAYS * bound.accepted
                    parts, look = Parts(mask, tone, guide, allowed, found), _Look(denoise, tone, narrowing)
                    seen = look.at(parts.of(blocks))
        if direct is not None and seen.error > wanted and (hard or direct_is_cheaper(left, seen.error, taken, most, mask, bound)):
            room = room_for_direct(hoped if hard else bound.accepted, bound)
            known = direct.image(blocks, mask, tone, room, math.inf if hard else most_hidden(bound))
            direct = None
            if known is not None:
                other_parts = Parts(mask, tone, known=known)
                other_look = _Look(denoise if care is None else care.denoise, tone, narrowing)
                other, hidden = other_look.at(other_parts.of(blocks)), known.error
                done = enough(bound, hidden, stock)
                if outlook(other.error, taken, most, done, hidden) < outlook(seen.error, taken, most, bound.accepted):
                    # What is left for the denoiser is faint and soft: it has been looked at with care, or needs none.
                    parts, look, seen, wanted, care, last = other_parts, other_look, other, done, None, None
        if first_look and most // 2 > taken and outlook(seen.error, taken, most, wanted)[1] > _HOPELESS * max(bound.every_view, wanted):
            # All samples that it may take, in two steps: two images tell the error, and those before would be of no use.
            narrowing.narrow(seen.change, seen.error, parts.of(blocks), taken, most, wanted)
            for first_new, last_new in ((taken, most // 2), (most // 2, most)):
                blocks.append(narrowing.filled(sample(first_new, last_new - first_new), blocks))
            look, care = _Look(denoise, tone, narrowing), None
            continue
        if care is not None and seen.error > bound.accepted and needed(seen.error, taken, bound) >= care.from_samples:
            look, likely = _Look(care.denoise, tone, narrowing), seen.times(care.error_left)
            now = likely.error <= _NEARLY * bound.accepted or taken >= most
            seen, care, last = look.at(parts.of(blocks)) if now else likely, None, None
        if seen.error <= _sure(taken) * wanted or taken >= most:
            return seen.color, ViewQuality(taken, seen.error, bound.every_view)
        if last is not None:
            exponent = measured_exponent(last, (taken, narrowing.sampled(seen.error)))
        # Rays to the lamp want to know the noise of all pixels: they come first, if they may.
        later = direct is not None and mostly_direct(left, mask)
        narrowed = not later and narrowing.narrow(seen.change, seen.error, parts.of(blocks), taken, most, wanted)
        last = None if narrowed else (taken, narrowing.sampled(seen.error))
        total = samples_for(narrowing.sampled(seen.error), taken, narrowing.sampled(bound.target), most, exponent)
        if len(blocks) == _MOST_BLOCKS:
            blocks[:2] = [joined(blocks[:2])]
        blocks.append(narrowing.filled(sample(taken, total - taken), blocks))


def _sure(taken: int) -> float:
    """Of the error that is accepted, so much may be told by so many samples."""
    return 1.0 if taken >= _FEW else _TOLD_BY_FEW


@dataclass(frozen=True)
class _Seen:
    """The best image of some samples: (H, W, 3) linear RGB, its estimated error, of 255, and how it has changed with the last samples."""

    color: NDArray[np.float32]
    error: float
    change: Change

    def times(self, part: float) -> _Seen:
        """The same image for one with a part of its error."""
        return _Seen(self.color, part * self.error, self.change)


class _Look:
    """Denoises a view after each block of samples, and tells its error.

    Args:
        denoise: (H, W, 3) linear RGB of what has been sampled.
        tone: of the view transform.
        narrowing: tells the pixels that still get samples.
    """

    def __init__(self, denoise: Denoise, tone: ToneCurve, narrowing: Narrowing) -> None:
        self._denoise, self._tone, self._narrowing = denoise, tone, narrowing
        self._before: Denoised | None = None

    def at(self, samples: Corrected) -> _Seen:
        """The image of all samples."""
        narrowing = self._narrowing
        samples = narrowing.kept(samples)
        before = self._before or self._denoised(samples.before(), samples.known)
        now = self._denoised(samples.now, samples.known)
        mixed = _mixed(before, now, samples.more.color + samples.known, samples.more.samples, narrowing.where, self._tone)
        self._before = now
        noisy_part = narrowing.noisy_part(mixed.noisy_part)
        error = math.hypot(samples.doubt * mixed.error * math.sqrt(narrowing.share), samples.hidden, narrowing.error)
        change = Change(before.color, now.color, noisy_part)
        return _Seen(now.color + noisy_part * (now.noisy - now.color), error, change)

    def _denoised(self, block: Block, known: NDArray[np.float32] | np.float32) -> Denoised:
        return Denoised(block.samples, self._denoise(block) + known, block.color + known)


def _mixed(
    before: Denoised, now: Denoised, more: NDArray[np.float32], more_samples: int, mask: NDArray[np.bool_], tone: ToneCurve
) -> Mixture:
    """What to show of an image and its denoised form.

    Args:
        before: the image after all samples but the last.
        now: after all samples.
        more: (H, W, 3) linear RGB of the last samples.
        more_samples: their number.
        mask: (H, W) the object's pixels.
        tone: of the view transform.
    """
    error = estimated_error(before, now, mask, tone)
    where = mask if mask.any() else np.ones_like(mask)
    found = unseen(tone(before.color), tone(before.noisy), tone(more), where, before.samples, more_samples)
    before_error = error * (now.samples / before.samples) ** EXPONENT
    return mixture(error, before_error, found, before.samples, more_samples)
