"""Takes the noise of outlines, edges and prints out of an image: what of it a known function of the surface explains.

Samples meet an outline, or a fine print, more or less often than they should. The same samples tell the mean of the guide, whose expected
value our own rays know: by how much the guide is off, and how colour changes with it, tells by how much the colour is off. How it changes
is found by least squares in the pixels around, from the differences between parts of the samples. This is the method of control variates
(Owen, "Monte Carlo theory, methods and examples", chapter 8); it is unbiased but for the coefficients' own noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.view.block import Block, joined
from render_actor.view.error_estimate import ToneCurve

_WINDOW = 5
"""Pixels in each direction that share their coefficients."""

_SMALLEST_EFFECT = 0.25
"""Of 255: where the correction is likely smaller than this, it is not worth its rays."""

_FINE_EFFECT = 0.5
"""Of 255: where the error of the expected value itself is larger, more rays are cast."""

_BRIGHTEST = 4.0
"""Linear: brighter samples count as this in the coefficients, or a single spark would rule its neighbours."""

_RIDGE = 1e-4

_CONTRADICTION = 8.0
"""Where the squared difference of the guide from its expected value is so many times its variance, the two are not the same function:
faces that lie in one another, for example. There is no correction then."""


class Guide(Protocol):
    """Tells the guide's expected value."""

    def expected(self, where: NDArray[np.bool_], *, fine: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Expected values (H, W, 3), and about their errors (H, W, 3); what they hold elsewhere means nothing."""


@dataclass(frozen=True)
class Correction:
    """How to correct images of a view.

    Attributes:
        where: (H, W) the N pixels that it changes.
        slopes: (N, 3, 6) of colour and albedo, by each channel of the guide.
        expected: (N, 3) of the guide.
    """

    where: NDArray[np.bool_]
    slopes: NDArray[np.float32]
    expected: NDArray[np.float32]

    def of(self, block: Block) -> Block:
        """A block as it would be with the guide's expected value."""
        if not len(self.slopes):
            return block
        change = np.einsum("nf,nft->nt", self.expected - block.guide[self.where], self.slopes)
        color, albedo = block.color.copy(), block.albedo.copy()
        color[self.where] = np.maximum(color[self.where] + change[:, :3], 0.0)
        albedo[self.where] = np.clip(albedo[self.where] + change[:, 3:], 0.0, 1.0)
        return Block(block.samples, color, albedo, block.guide)


def no_correction(shape: tuple[int, ...]) -> Correction:
    """Of a view whose guide's expected value is not known."""
    return Correction(np.zeros(shape, dtype=bool), np.zeros((0, 3, 6), np.float32), np.zeros((0, 3), np.float32))


def correction(blocks: Sequence[Block], guide: Guide, tone: ToneCurve) -> Correction:
    """How to correct the images of some blocks of samples; at least two.

    Args:
        blocks: all samples, in parts that know nothing of each other.
        guide: of the view.
        tone: of the view transform.
    """
    mean = joined(blocks)
    covariance, shared = _moments(blocks, mean)
    spread = np.trace(covariance, axis1=-2, axis2=-1)
    where = spread > 1e-9 * float(max(spread.max(), 1e-12))
    if not where.any():
        return no_correction(where.shape)
    covariance, shared, spread = covariance[where], shared[where], spread[where]
    ridge = (_RIDGE * spread / 3)[:, None, None] * np.eye(3)
    slopes = np.linalg.solve(covariance + ridge, shared)
    of_color = slopes[..., :3]
    brightness = _brightness(tone, mean.color[where])
    effect = np.sqrt(np.maximum(np.einsum("nft,nfg,ngt->nt", of_color, covariance, of_color), 0.0)) * brightness
    large = effect.max(axis=-1) > _SMALLEST_EFFECT
    where[where] = large
    slopes, spread, brightness = slopes[large], spread[large], brightness[large]
    if not where.any():
        return no_correction(where.shape)
    expected, error = guide.expected(where, fine=False)
    off = np.abs(np.einsum("nf,nft->nt", error[where], slopes[..., :3])) * brightness
    fine = where.copy()
    fine[where] = off.max(axis=-1) > _FINE_EFFECT
    if fine.any():
        more, _ = guide.expected(fine, fine=True)
        expected = np.where(fine[..., None], more, expected)
    same = _same_function(expected - mean.guide, where, spread)
    where[where] = same
    return Correction(where, slopes[same].astype(np.float32), expected[where])


def _moments(blocks: Sequence[Block], mean: Block) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The guide's covariance (H, W, 3, 3), and that with colour and albedo (H, W, 3, 6), of the mean, by the blocks' differences."""
    height, width = mean.color.shape[:2]
    squares, products = np.zeros((height, width, 6), np.float32), np.zeros((height, width, 18), np.float32)
    middle = np.minimum(mean.color, _BRIGHTEST)
    for block in blocks:
        weight = np.float32(block.samples / mean.samples / (len(blocks) - 1))
        off = (block.guide - mean.guide) * weight
        targets = np.concatenate([np.minimum(block.color, _BRIGHTEST) - middle, block.albedo - mean.albedo], axis=-1)
        to = block.guide - mean.guide
        for index, (row, column) in enumerate(_PAIRS):
            squares[..., index] += off[..., row] * to[..., column]
        for channel in range(3):
            products[..., 6 * channel : 6 * channel + 6] += off[..., channel : channel + 1] * targets
    squares, products = _around(squares), _around(products)
    covariance = np.empty((height, width, 3, 3))
    for index, (row, column) in enumerate(_PAIRS):
        covariance[..., row, column] = covariance[..., column, row] = squares[..., index]
    return covariance, products.reshape(height, width, 3, 6).astype(np.float64)


_PAIRS = [(row, column) for row in range(3) for column in range(row, 3)]


def _around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W, K) means over the window of each pixel."""
    return np.stack(
        [
            cv2.blur(np.ascontiguousarray(values[..., k]), (_WINDOW, _WINDOW), borderType=cv2.BORDER_REPLICATE)
            for k in range(values.shape[-1])
        ],
        axis=-1,
    )


def _brightness(tone: ToneCurve, color: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, 3) of 255: how much what is displayed changes with a linear colour."""
    step = np.float32(0.01) + np.float32(0.05) * color
    return (tone(color + step) - tone(np.maximum(color - step, 0))) / (2 * step)


def _same_function(off: NDArray[np.float32], where: NDArray[np.bool_], spread: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) whether the guide differs from its expected value no more than its variance says."""
    squares = np.where(where, np.square(off).sum(axis=-1), 0.0).astype(np.float32)
    variances = np.zeros_like(squares)
    variances[where] = spread
    around = _around(np.stack([squares, variances], axis=-1))[where]
    return np.asarray(around[:, 0] <= _CONTRADICTION * around[:, 1])
