"""Takes the noise of outlines, edges and prints out of an image: what of it a known function of the surface explains.

Samples meet an outline, or a fine print, more or less often than they should. The same samples tell the mean of the guide, whose expected
value our own rays know: by how much the guide is off, and how colour changes with it, tells by how much the colour is off. How it changes
is found by least squares in the pixels around, from the differences between parts of the samples. This is the method of control variates
(Owen, "Monte Carlo theory, methods and examples", chapter 8); it is unbiased but for the coefficients' own noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from render_actor.view.block import Block, joined
from render_actor.view.error_estimate import ToneCurve
from render_actor.view.guide_slopes import WINDOW, Slopes, around, slopes

_FINE_SHARE = 0.4
"""Of the noise that stays in a pixel: where the error of the expected value is smaller, more rays are of no use."""

_MORE_PASSES = (2, 4)
"""Of rays, in turn, where the first is not enough."""

_CONTRADICTION = 8.0
"""Where the squared difference of the guide from its expected value is so many times its variance, the two are not the same function:
faces that lie in one another, for example. There is no correction then."""


class Guide(Protocol):
    """Tells the guide's expected value."""

    def expected(self, where: NDArray[np.bool_], passes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Expected values (H, W, 3), and about their errors (H, W, 3); what they hold elsewhere means nothing."""


@dataclass(frozen=True)
class Correction:
    """How to correct images of a view.

    Attributes:
        where: (H, W) the N pixels that it changes.
        slopes: (N, 3, 6) of colour and albedo, by each channel of the guide.
        expected: (N, 3) of the guide.
        error: (N,) that the expected value's own error gives the displayed colour, of 255, and no change tells of; root
            mean square of the channels.
        blocks: number of those whose differences tell the slopes.
    """

    where: NDArray[np.bool_]
    slopes: NDArray[np.float32]
    expected: NDArray[np.float32]
    error: NDArray[np.float64]
    blocks: int = 2

    def doubt(self, mask: NDArray[np.bool_]) -> float:
        """By how much an error that is told by the blocks' differences is to be taken larger, since the slopes were made to lessen these.

        Akaike's final prediction error, of three slopes.
        """
        equations = WINDOW**2 * (self.blocks - 1)
        share = float((mask & self.where).sum()) / max(int(mask.sum()), 1)
        return math.sqrt(1 + share * ((equations + 3) / (equations - 3) - 1))

    def rms_error(self, mask: NDArray[np.bool_]) -> float:
        """Root mean square of ``error`` over the pixels of a mask."""
        return math.sqrt(float(np.square(self.error[mask[self.where]]).sum()) / max(int(mask.sum()), 1))

    def of(self, block: Block) -> Block:
        """A block as it would be with the guide's expected value."""
        if not len(self.slopes):
            return block
        change = np.einsum("nf,nft->nt", self.expected - block.guide[self.where], self.slopes)
        color, albedo = block.color.copy(), block.albedo.copy()
        color[self.where] = np.maximum(color[self.where] + change[:, :3], 0.0)
        albedo[self.where] = np.clip(albedo[self.where] + change[:, 3:], 0.0, 1.0)
        return replace(block, color=color, albedo=albedo, direct=None)


def no_correction(shape: tuple[int, ...]) -> Correction:
    """Of a view whose guide's expected value is not known."""
    return Correction(np.zeros(shape, dtype=bool), np.zeros((0, 3, 6), np.float32), np.zeros((0, 3), np.float32), np.zeros(0))


def correction(
    blocks: Sequence[Block], guide: Guide, tone: ToneCurve, mask: NDArray[np.bool_], allowed: float, found: Slopes | None = None
) -> Correction:
    """How to correct the images of some blocks of samples; at least two.

    Args:
        blocks: all samples, in parts that know nothing of each other.
        guide: of the view.
        tone: of the view transform.
        mask: (H, W) the pixels whose error counts.
        allowed: root mean square error over these pixels that may stay for want of rays, of 255.
        found: what the blocks tell, where that is known already.
    """
    mean = joined(blocks)
    found = found or slopes(blocks, mean, tone)
    where = found.where
    if not where.any():
        return no_correction(where.shape)
    expected, doubt = guide.expected(where, 1)

    def displayed(doubt: NDArray[np.float32]) -> NDArray[np.float64]:
        by_channel = np.einsum("nf,nft->nt", doubt[where], found.values[..., :3]) * found.brightness
        return np.asarray(np.sqrt(np.square(by_channel).mean(axis=-1)))

    error = displayed(doubt)
    for passes in _MORE_PASSES:
        fine = np.zeros_like(where)
        fine[where] = _worst(error, (error > _FINE_SHARE * found.staying) & mask[where], allowed**2 * mask.sum())
        if not fine.any():
            break
        better, less_doubt = guide.expected(fine, passes)
        expected, doubt = (np.where(fine[..., None], after, before) for after, before in ((better, expected), (less_doubt, doubt)))
        error = displayed(doubt)
    same = _same_function(expected - mean.guide, where, found.spread)
    where[where] = same
    return Correction(where, found.values[same].astype(np.float32), expected[where], error[same], len(blocks))


def _worst(errors: NDArray[np.float64], candidates: NDArray[np.bool_], allowed: float) -> NDArray[np.bool_]:
    """(N,) the fewest candidates without which the squares of the other errors sum to what is allowed."""
    squares = np.where(candidates, np.square(errors), 0.0)
    order = np.argsort(squares, kind="stable")
    chosen = np.zeros_like(candidates)
    chosen[order[np.cumsum(squares[order]) > allowed]] = True
    return chosen & candidates


def _same_function(off: NDArray[np.float32], where: NDArray[np.bool_], spread: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) whether the guide differs from its expected value no more than its variance says."""
    squares = np.where(where, np.square(off).sum(axis=-1), 0.0).astype(np.float32)
    variances = np.zeros_like(squares)
    variances[where] = spread
    means = around(np.stack([squares, variances], axis=-1))[where]
    return np.asarray(means[:, 0] <= _CONTRADICTION * means[:, 1])
