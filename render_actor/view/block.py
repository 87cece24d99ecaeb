"""Means of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Block:
    """Mean of some samples of each pixel.

    Attributes:
        samples: how many.
        color: (H, W, 3) linear RGB.
        albedo: (H, W, 3) linear RGB of the surfaces that were seen.
        guide: (H, W, 3) a function of the surfaces that were seen; see ``surface_guide``.
    """

    samples: int
    color: NDArray[np.float32]
    albedo: NDArray[np.float32]
    guide: NDArray[np.float32]


def joined(blocks: Sequence[Block]) -> Block:
    """The mean of all samples of some blocks; at least one."""
    total = sum(block.samples for block in blocks)

    def mean(name: str) -> NDArray[np.float32]:
        return np.sum([getattr(block, name) * np.float32(block.samples / total) for block in blocks], axis=0, dtype=np.float32)

    return Block(total, mean("color"), mean("albedo"), mean("guide"))
