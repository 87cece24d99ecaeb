"""Finds where the picture of a view's direct light says something else than the samples do, and is not used."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.view.block import Block, joined
from render_actor.view.picture_error import displayed_part, spread

WINDOW, _CERTAIN = 9, 2.0
_SURE, SLIGHT = 6.0, 1.5
"""Where picture and samples differ in the mean of a window by more standard errors than this, and by more of 255, all of it is not used."""

FAR_OFF = 8.0
"""The same of a single pixel, where the rays say how far its samples may be apart."""


def said_otherwise(
    image: NDArray[np.float32], squares: NDArray[np.float32], blocks: Sequence[Block], slope: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """(H, W) pixels whose samples all say something else than their rays: more of them may help.

    Few rays may all lie beside a line.

    Args:
        image: (H, W, 3) linear RGB, the picture.
        squares: (H, W) mean square of what a pixel's rays see, summed over the channels.
        blocks: of samples that know nothing of each other, at least two, with their direct parts.
        slope: (H, W, 3) of the view transform.
    """
    by_chance = spread(squares, image) / min(block.samples for block in blocks)
    return np.asarray((_by_all(image, blocks) - _SURE**2 * by_chance) * displayed_part(image, slope) > FAR_OFF**2)


def checked(
    image: NDArray[np.float32],
    other: NDArray[np.bool_],
    doubled: NDArray[np.bool_],
    blocks: Sequence[Block],
    slope: NDArray[np.float32],
    known: NDArray[np.bool_],
    mask: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], float]:
    """Where a picture of the direct light may be used.

    Args:
        image: (H, W, 3) linear RGB, the picture.
        other: (H, W) where its pixels are ``said_otherwise``: it is not used.
        doubled: (H, W) where faces lie in one another; Cycles' rounding says whether they shade each other there, in spots.
        blocks: as there.
        slope: (H, W, 3) of the view transform.
        known: (H, W) pixels in which the picture says something.
        mask: (H, W) the object's pixels.

    Returns:
        (H, W) the pixels in which it says the same as the samples, and the mean square of what it says wrongly there, of 255².
    """
    mean = joined(blocks)
    assert mean.direct is not None
    direct, variance = mean.direct, _variance(blocks, mean)
    window = (WINDOW, WINDOW)
    off = np.where(known[..., None], (image - direct) * slope, np.float32(0))
    noise = np.where(known, (variance * np.square(slope)).mean(axis=-1), np.float32(0))
    in_mean = np.square(cv2.blur(off, window)).mean(axis=-1)
    differs = other | (in_mean > _SURE**2 * cv2.blur(noise, window) / WINDOW**2 + SLIGHT**2)
    if doubled.any() and np.square(off[doubled].mean(axis=0)).mean() > _SURE**2 * noise[doubled].mean() / doubled.sum() + SLIGHT**2:
        differs |= doubled
    # To the denoiser, a lone pixel left out is a firefly.
    where = known & (cv2.dilate((known & differs).astype(np.uint8), np.ones(window, np.uint8)) == 0)
    used = mask & where
    if not used.any():
        return where, 0.0
    beyond = (np.square(off).mean(axis=-1) - noise)[used]
    doubt = float(np.sqrt(np.square(beyond - beyond.mean()).sum())) / len(beyond)
    return where, max(0.0, float(beyond.mean()) - _CERTAIN * doubt) * float(used.sum() / max(mask.sum(), 1))


def _by_all(image: NDArray[np.float32], blocks: Sequence[Block]) -> NDArray[np.float32]:
    """(H, W) square of what all blocks say the picture is off by, summed over the channels: on an outline, a single sample says much."""
    offs = []
    for block in blocks:
        assert block.direct is not None
        offs.append(image - block.direct)
    low, high = np.minimum.reduce(offs), np.maximum.reduce(offs)
    return np.asarray(np.square(np.maximum(low, 0) + np.minimum(high, 0)).sum(axis=-1))


def _variance(blocks: Sequence[Block], mean: Block) -> NDArray[np.float32]:
    """(H, W, 3) of the mean direct light of all samples."""
    assert mean.direct is not None
    total = np.zeros_like(mean.direct)
    for block in blocks:
        assert block.direct is not None
        total += np.float32(block.samples / mean.samples / (len(blocks) - 1)) * np.square(block.direct - mean.direct)
    return total
