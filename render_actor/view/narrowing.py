"""Leaves out the pixels of a view that are good enough: what noise is left is often in few of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.view.block import Block, joined
from render_actor.view.corrected import Corrected
from render_actor.view.error_estimate import EXPONENT, ToneCurve

_PARTS = (0.5, 0.35, 0.25, 0.15, 0.08)
"""Of the object's pixels, that may get all further samples."""

_WINDOW = 9
"""Pixels in each direction whose changes tell a pixel's error: its own may be small by chance."""

_DOUBT = 1.2
"""By which the squared error of what is left out is taken larger: it is chosen by its small changes."""

_CLOSED, _OPEN = 0.37, 0.66
"""Costs of a sample of every pixel, as parts of one of the whole view: of meeting the object, and of the light that is followed from the
part that is not left out."""

_CHANGE_PIXELS, _PIXELS_A_FACE = 20_000, 0.17
"""Samples of a pixel that cost as much as leaving out other pixels: in any case, and for each face, since Cycles packs the mesh again."""

_WORTH_IT = 0.8
"""Of the cost without it."""

_AS_GOOD = 1.04
"""Times the error that a view has when it has all samples that it may take: no more is given away where the bound is out of reach."""

_FEWEST, _NEAR = 8, 1.15
"""Samples that tell enough of each pixel; and times the error at which a view is done: a view that is nearer ends sooner as a whole."""

_AROUND = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Change:
    """How a denoised image has changed with the last samples.

    Attributes:
        before: (H, W, 3) linear RGB.
        now: (H, W, 3) with all samples.
        noisy_part: of the image before denoising that was put into it then; 0..1, (H, W, 1) or one for all pixels.
    """

    before: NDArray[np.float32]
    now: NDArray[np.float32]
    noisy_part: NDArray[np.float32] | np.float32


@dataclass(frozen=True)
class LeaveOut:
    """Leaves pixels out.

    Attributes:
        sample_only: has further samples follow no light from the object but in some pixels (H, W); their blocks' other pixels mean nothing.
        faces: of the mesh.
    """

    sample_only: Callable[[NDArray[np.bool_]], None]
    faces: int


class Narrowing:
    """The pixels of a view that still get samples: all, at first.

    Args:
        mask: (H, W) the object's pixels.
        tone: of the view transform.
        leave_out: leaves pixels out; None where that can't be.

    Attributes:
        where: (H, W) the object's pixels that get samples.
        error: root mean square error that the others add to that of the object's pixels, of 255.
    """

    def __init__(self, mask: NDArray[np.bool_], tone: ToneCurve, leave_out: LeaveOut | None) -> None:
        self._mask, self._tone, self._leave_out = mask, tone, leave_out
        self.where, self.error = mask, 0.0
        self._sampled: NDArray[np.bool_] | None = None
        self._kept: Block | None = None
        self._part_kept: NDArray[np.float32] | np.float32 = np.float32(0)

    @property
    def begun(self) -> bool:
        """Whether pixels are left out."""
        return self._kept is not None

    @property
    def share(self) -> float:
        """Of the object's pixels, those that get samples."""
        return float(self.where.sum() / self._mask.sum()) if self.begun else 1.0

    def sampled(self, error: float) -> float:
        """Of an error of all the object's pixels, what is of those that get samples; not less than a third of it."""
        return math.sqrt(max(error**2 - self.error**2, (error / 3) ** 2))

    def noisy_part(self, part: float) -> NDArray[np.float32] | np.float32:
        """How much of the noisy image goes into the denoised one: ``part`` where there are samples, and elsewhere as before."""
        one = np.float32(part)
        return one if self._sampled is None else np.where(self._sampled[..., None], one, self._part_kept)

    def filled(self, block: Block, earlier: Sequence[Block]) -> Block:
        """A block of samples, which has the mean of earlier ones where it was not sampled."""
        return block if self._sampled is None else block.with_pixels_of(joined(earlier), ~self._sampled)

    def kept(self, samples: Corrected) -> Corrected:
        """The samples of a view, with the pixels that are left out as they were before."""
        kept = self._kept
        if kept is None or self._sampled is None:
            return samples
        left_out = ~self._sampled
        return replace(
            samples, before=lambda: samples.before().with_pixels_of(kept, left_out), now=samples.now.with_pixels_of(kept, left_out)
        )

    def narrow(self, change: Change, error: float, samples: Corrected, taken: int, most: int, wanted: float) -> bool:
        """Leave pixels out if the rest likely brings the view as far for clearly less.

        Args:
            change: of the image with the last samples.
            error: that they tell, root mean square over the object's pixels, of 255; with that of what is left out already.
            samples: all of them, corrected.
            taken: samples of the pixels that are not left out.
            most: samples that the view may take.
            wanted: error at which the view is done.

        Returns:
            Whether other pixels are left out than before.
        """
        if self._leave_out is None or taken < _FEWEST or taken >= most or error < _NEAR * wanted or not self._mask.any():
            return False
        hidden = samples.hidden
        chosen = self._chosen(self._squares(change, math.sqrt(max(error**2 - hidden**2, 0.0))), hidden, taken, most, wanted)
        if chosen is None:
            return False
        self._kept, self._part_kept = self.kept(samples).now, change.noisy_part
        self.where, self.error = chosen
        # The object reaches into pixels around its mask, and samples of a pixel into those around it.
        self._sampled = self.where | (cv2.dilate(self.where.astype(np.uint8), _AROUND) > 0) & ~self._mask
        self._leave_out.sample_only(cv2.dilate(self._sampled.astype(np.uint8), _AROUND) > 0)
        return True

    def _squares(self, change: Change, error: float) -> NDArray[np.float64]:
        """(H, W) squared errors of the pixels that get samples, of 255²; their sum is what they have of the whole."""
        total = max(error**2 - self.error**2, 0.0) * float(self._mask.sum())
        counted = self.where.astype(np.float64)
        window = (_WINDOW, _WINDOW)
        squares = cv2.blur(np.square(self._tone(change.now) - self._tone(change.before)).mean(axis=-1) * counted, window)
        squares = squares / np.maximum(cv2.blur(counted, window), 1e-9) * counted
        return squares * (total / max(float(squares.sum()), 1e-30))

    def _chosen(
        self, squares: NDArray[np.float64], hidden: float, taken: int, most: int, wanted: float
    ) -> tuple[NDArray[np.bool_], float] | None:
        assert self._leave_out is not None
        pixels = int(self._mask.sum())
        stays = self.error**2 + hidden**2
        ordered = np.sort(squares[self.where])[::-1]
        sums = np.concatenate([[0.0], np.cumsum(ordered)]) / pixels
        samples, reached = _outlook(sums[-1], stays, taken, most, wanted)
        now = self.share * _OPEN + _CLOSED if self.begun else 1.0
        whole_cost = (samples - taken) * now
        allowed = max(wanted, _AS_GOOD * reached)
        best: tuple[NDArray[np.bool_], float] | None = None
        limit = min(_WORTH_IT * whole_cost, whole_cost - (_CHANGE_PIXELS + _PIXELS_A_FACE * self._leave_out.faces) / pixels)
        for part in _PARTS:
            count = int(part * pixels)
            if not 0 < count < len(ordered):
                continue
            left = stays + _DOUBT * (sums[-1] - sums[count])
            samples, reached = _outlook(sums[count], left, taken, most, allowed)
            if reached > allowed * 1.0001:
                break
            where = squares >= ordered[count - 1]
            where &= self.where
            share = float((cv2.dilate(where.astype(np.uint8), _AROUND) > 0)[self._mask].sum()) / pixels
            cost = (samples - taken) * (_CLOSED + _OPEN * share)
            if cost < limit:
                limit, best = cost, (where, math.sqrt(left - hidden**2))
        return best


def _outlook(sampled: float, stays: float, taken: int, most: int, wanted: float) -> tuple[float, float]:
    """The samples until an error is as wanted, and the error then; of its squares, one part falls with them, and the other stays."""
    room = wanted**2 - stays
    samples = float(most) if room <= 0.0 else min(taken * max(sampled / room, 1.0) ** (0.5 / EXPONENT), float(most))
    return samples, math.sqrt(sampled * (taken / samples) ** (2 * EXPONENT) + stays)
