"""Finds where the picture of a view's direct light says something else than the samples do, and is not used."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.view.block import Block, joined

WINDOW, _CERTAIN = 9, 2.0
_SURE, SLIGHT = 6.0, 1.5
"""Where picture and samples differ in the mean of a window by more standard errors than this, and by more of 255, all of it is not used."""


def checked(
    image: NDArray[np.float32],
    blocks: Sequence[Block],
    slope: NDArray[np.float32],
    known: NDArray[np.bool_],
    mask: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], float]:
    """Where a picture of the direct light may be used.

    Args:
        image: (H, W, 3) linear RGB, the picture.
        blocks: of samples that know nothing of each other, at least two, with their direct parts.
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
    differs = (known & (in_mean > _SURE**2 * cv2.blur(noise, window) / WINDOW**2 + SLIGHT**2)).astype(np.uint8)
    where = known & (cv2.dilate(differs, np.ones(window, np.uint8)) == 0)  # To the denoiser, a lone pixel left out is a firefly.
    used = mask & where
    if not used.any():
        return where, 0.0
    beyond = (np.square(off).mean(axis=-1) - noise)[used]
    doubt = float(np.sqrt(np.square(beyond - beyond.mean()).sum())) / len(beyond)
    return where, max(0.0, float(beyond.mean()) - _CERTAIN * doubt) * float(used.sum() / max(mask.sum(), 1))


def _variance(blocks: Sequence[Block], mean: Block) -> NDArray[np.float32]:
    """(H, W, 3) of the mean direct light of all samples."""
    assert mean.direct is not None
    total = np.zeros_like(mean.direct)
    for block in blocks:
        assert block.direct is not None
        total += np.float32(block.samples / mean.samples / (len(blocks) - 1)) * np.square(block.direct - mean.direct)
    return total
