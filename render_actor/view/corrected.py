"""The samples of a view, corrected by what is known of it: by its guide, or by a picture of its direct light."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_actor.view.block import Block, joined
from render_actor.view.control_variate import Correction, Guide, correction, no_correction
from render_actor.view.direct_image import DirectImage
from render_actor.view.error_estimate import ToneCurve
from render_actor.view.guide_slopes import Slopes

_NOTHING = np.float32(0)


_DOUBT = 1.1
"""By which the error that the samples tell is taken larger where the direct light is known: what the denoiser smooths away is a larger part
of what is left."""


@dataclass(frozen=True)
class Corrected:
    """The samples of a view, corrected by its guide if there is one.

    Attributes:
        before: makes those without the last block.
        now: all of them.
        more: the last block.
        doubt: by how much an error that is told by their differences is to be taken larger.
        hidden: error that no difference tells of, of 255.
        known: (H, W, 3) linear RGB that is to be added to each of these, once they are denoised; or 0.
    """

    before: Callable[[], Block]
    now: Block
    more: Block
    doubt: float
    hidden: float
    known: NDArray[np.float32] | np.float32 = _NOTHING


class Parts:
    """Corrects the samples of a view after each block.

    Args:
        mask: (H, W) the object's pixels.
        tone: of the view transform.
        guide: that the images are corrected by.
        allowed: error that may stay for want of rays.
        found: what the first blocks tell of the guide.
        known: direct light that takes the place of the samples'; then there is no guide.
    """

    def __init__(
        self,
        mask: NDArray[np.bool_],
        tone: ToneCurve,
        guide: Guide | None = None,
        allowed: float = 0.0,
        found: Slopes | None = None,
        known: DirectImage | None = None,
    ) -> None:
        self._mask, self._tone, self._guide, self._allowed, self._known = mask, tone, guide, allowed, known
        self._found = found
        self._correction: Correction | None = None
        self._last: tuple[int, Corrected] | None = None

    def of(self, blocks: Sequence[Block]) -> Corrected:
        """The samples of some blocks.

        Args:
            blocks: at least two; each time the same as before, or one more.
        """
        whole = joined(blocks)
        if (known := self._known) is not None:
            now, more = whole.without_direct(known.where), blocks[-1].without_direct(known.where)
            return Corrected(lambda: joined(blocks[:-1]).without_direct(known.where), now, more, _DOUBT, known.error, known.image)
        if self._last is None or self._last[0] != whole.samples:
            now_correct = self._correction_of(blocks)
            correct = self._correction or now_correct
            self._correction = now_correct
            corrected = Corrected(
                lambda: correct.of(joined(blocks[:-1])),
                now_correct.of(whole),
                correct.of(blocks[-1]),
                now_correct.doubt(self._mask),
                now_correct.rms_error(self._mask),
            )
            self._last = (whole.samples, corrected)
        return self._last[1]

    def _correction_of(self, blocks: Sequence[Block]) -> Correction:
        if self._guide is None:
            return no_correction(self._mask.shape)
        found, self._found = self._found, None  # Of the first blocks alone.
        return correction(blocks, self._guide, self._tone, self._mask, self._allowed, found)
