"""Means of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
        direct: (H, W, 3) the part of the colour that is light of a lamp, reflected once and in all directions; None where that is not
            known.
        normal: (H, W, 3) of the surfaces that were seen, in the camera's or any other frame; None where it is not known.
    """

    samples: int
    color: NDArray[np.float32]
    albedo: NDArray[np.float32]
    guide: NDArray[np.float32]
    direct: NDArray[np.float32] | None = None
    normal: NDArray[np.float32] | None = None

    def without_direct(self, where: NDArray[np.bool_]) -> Block:
        """The block with the rest of the colour alone.

        Args:
            where: (H, W) pixels in which the direct part is taken out.
        """
        assert self.direct is not None
        color = np.where(where[..., None], np.maximum(self.color - self.direct, 0.0), self.color)
        return replace(self, color=color, direct=None)

    def with_pixels_of(self, other: Block, where: NDArray[np.bool_]) -> Block:
        """The block with what another one has in some pixels.

        Args:
            other: what only one of the two has is not in the result.
            where: (H, W) these pixels.
        """

        def mixed(name: str) -> NDArray[np.float32]:
            return np.where(where[..., None], getattr(other, name), getattr(self, name))

        def mixed_of_both(name: str) -> NDArray[np.float32] | None:
            return None if getattr(self, name) is None or getattr(other, name) is None else mixed(name)

        return Block(self.samples, mixed("color"), mixed("albedo"), mixed("guide"), mixed_of_both("direct"), mixed_of_both("normal"))


def joined(blocks: Sequence[Block]) -> Block:
    """The mean of all samples of some blocks; at least one."""
    total = sum(block.samples for block in blocks)

    def mean(name: str) -> NDArray[np.float32]:
        return np.sum([getattr(block, name) * np.float32(block.samples / total) for block in blocks], axis=0, dtype=np.float32)

    def mean_of_all(name: str) -> NDArray[np.float32] | None:
        return None if any(getattr(block, name) is None for block in blocks) else mean(name)

    return Block(total, mean("color"), mean("albedo"), mean("guide"), mean_of_all("direct"), mean_of_all("normal"))
