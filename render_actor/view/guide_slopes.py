"""How an image's colour changes with the guide: least squares in the pixels around each pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.view.block import Block
from render_actor.view.error_estimate import ToneCurve

WINDOW = 5
"""Pixels in each direction that share their slopes."""

_SMALLEST_EFFECT = 0.25
"""Of 255: where the guide's noise likely changes the colour by less than this, it is not worth its rays."""

_SMALLEST_SHARE = 0.3
"""Of the noise: where the guide explains less, that may well be chance."""

_SMALLEST_SPREAD = 1e-10
"""Variance of the guide; below it nothing but rounding is seen."""

_BRIGHTEST = 4.0
"""Linear: brighter samples count as this, or a single spark would rule its neighbours."""

_RIDGE = 1e-4

_ARRAYS = ("where", "values", "spread", "brightness", "staying", "noise")

_BAND_PIXELS = 100_000
"""Pixels that are worked on at once: what is needed meanwhile is 200 bytes a pixel, and stays small for a large image."""


@dataclass(frozen=True)
class Slopes:
    """How colour and albedo change with the guide, where it explains their noise.

    Attributes:
        where: (H, W) the N pixels that have slopes.
        values: (N, 3, 6) of colour and albedo, by each channel of the guide.
        spread: (N,) variance of the guide's mean, summed over its channels.
        brightness: (N, 3) of 255: how much what is displayed changes with a linear colour.
        staying: (N,) standard deviation of the displayed colour that the guide does not explain, of 255.
        noise: (H, W) variance of the displayed colour, of 255², in the pixels where it can be told.
    """

    where: NDArray[np.bool_]
    values: NDArray[np.float64]
    spread: NDArray[np.float64]
    brightness: NDArray[np.float64]
    staying: NDArray[np.float64]
    noise: NDArray[np.float32]

    def noise_left(self, mask: NDArray[np.bool_]) -> float:
        """The part of the noise, as a standard deviation, that the guide does not explain; 0..1.

        Args:
            mask: (H, W) the pixels that count.
        """
        left = self.noise.copy()
        left[self.where] = np.square(self.staying)
        whole = float(self.noise[mask].sum())
        return float(np.sqrt(left[mask].sum() / whole)) if whole > 0.0 else 1.0


def slopes(blocks: Sequence[Block], mean: Block, tone: ToneCurve) -> Slopes:
    """The slopes that the differences between some blocks of samples tell.

    Args:
        blocks: at least two.
        mean: of them.
        tone: of the view transform.
    """
    parts = [_of_band(blocks, mean, tone, rows, inner) for rows, inner in _bands(*mean.color.shape[:2])]
    arrays = [np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS]
    return Slopes(*arrays)


def around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W, K) means over the window of each pixel."""
    return np.stack(
        [
            cv2.blur(np.ascontiguousarray(values[..., k]), (WINDOW, WINDOW), borderType=cv2.BORDER_REPLICATE)
            for k in range(values.shape[-1])
        ],
        axis=-1,
    )


def _bands(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Rows to look at, with those that their windows reach, and which of these are the band's own."""
    step = max(1, _BAND_PIXELS // width)
    for first in range(0, height, step):
        last = min(first + step, height)
        from_row, to_row = max(first - WINDOW // 2, 0), min(last + WINDOW // 2, height)
        yield slice(from_row, to_row), slice(first - from_row, last - from_row)


def _of_band(blocks: Sequence[Block], mean: Block, tone: ToneCurve, rows: slice, inner: slice) -> Slopes:
    moments = _moments([_rows(block, rows) for block in blocks], _rows(mean, rows))
    guide, shared, color = moments.guide[inner], moments.shared[inner], moments.color[inner]
    spread = np.trace(guide, axis1=-2, axis2=-1)
    where = spread > _SMALLEST_SPREAD
    covariance, spread = guide[where], spread[where]
    values = _inverse(covariance + (_RIDGE * spread / 3)[:, None, None] * np.eye(3)) @ shared[where]
    brightness = displayed_slope(tone, mean.color[rows][inner])
    noise = (color * brightness**2).mean(axis=-1).astype(np.float32)
    brightness = brightness[where]
    explained = np.maximum((values[..., :3] * (covariance @ values[..., :3])).sum(axis=1), 0.0) * brightness**2
    whole = 3.0 * noise[where]
    useful = (explained.max(axis=-1) > _SMALLEST_EFFECT**2) & (explained.sum(axis=-1) > _SMALLEST_SHARE * whole)
    where[where] = useful
    staying = np.sqrt(np.maximum(whole - explained.sum(axis=-1), 0.0) / 3)
    return Slopes(where, values[useful], spread[useful], brightness[useful], staying[useful], noise)


def _rows(block: Block, rows: slice) -> Block:
    return Block(block.samples, block.color[rows], block.albedo[rows], block.guide[rows])


@dataclass(frozen=True)
class _Moments:
    """What the blocks' differences tell of the mean of all samples.

    Attributes:
        guide: (H, W, 3, 3) covariance.
        shared: (H, W, 3, 6) covariance of the guide with colour and albedo.
        color: (H, W, 3) variances.
    """

    guide: NDArray[np.float64]
    shared: NDArray[np.float64]
    color: NDArray[np.float32]


def _moments(blocks: Sequence[Block], mean: Block) -> _Moments:
    height, width = mean.color.shape[:2]
    squares, products, color = (np.zeros((height, width, channels), np.float32) for channels in (6, 18, 3))
    middle = np.minimum(mean.color, _BRIGHTEST)
    for block in blocks:
        weight = np.float32(block.samples / mean.samples / (len(blocks) - 1))
        off = block.guide - mean.guide
        weighted = off * weight
        targets = np.concatenate([np.minimum(block.color, _BRIGHTEST) - middle, block.albedo - mean.albedo], axis=-1)
        for index, (row, column) in enumerate(_PAIRS):
            squares[..., index] += weighted[..., row] * off[..., column]
        for channel in range(3):
            products[..., 6 * channel : 6 * channel + 6] += weighted[..., channel : channel + 1] * targets
        color += weight * np.square(targets[..., :3])
    squares, products = around(squares), around(products)
    covariance = np.empty((height, width, 3, 3))
    for index, (row, column) in enumerate(_PAIRS):
        covariance[..., row, column] = covariance[..., column, row] = squares[..., index]
    return _Moments(covariance, products.reshape(height, width, 3, 6).astype(np.float64), around(color))


def _inverse(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of symmetric matrices (N, 3, 3), from their cofactors: a tenth of the time that ``numpy.linalg`` takes for many small ones."""
    rows = [matrices[:, row] for row in range(3)]
    cofactors = np.stack([np.cross(rows[1], rows[2]), np.cross(rows[2], rows[0]), np.cross(rows[0], rows[1])], axis=1)
    return np.asarray(cofactors / (rows[0] * cofactors[:, 0]).sum(axis=-1)[:, None, None])


_PAIRS = [(row, column) for row in range(3) for column in range(row, 3)]


def displayed_slope(tone: ToneCurve, color: NDArray[np.float32]) -> NDArray[np.float64]:
    """(..., 3) of 255: how much what is displayed changes with a linear colour."""
    step = np.float32(0.01) + np.float32(0.05) * color
    return (tone(color + step) - tone(np.maximum(color - step, 0))) / (2 * step)
