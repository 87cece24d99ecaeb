"""Samples that come with a guide, whose expected value is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from render_actor.view.block import Block
from render_actor.view.pixel_filter import PASSES
from tests.unit.render_actor.view.noisy_views import SIZE, Image, scenery

LINK = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.0, 0.3, 1.1]], dtype=np.float32)
"""How much each channel of a colour (column) changes with each of the guide (row)."""


@dataclass
class GuidedView:
    """Samples whose colour follows the guide, apart from noise of its own.

    Attributes:
        guide_noise: standard deviation of a sample of the guide; (SIZE, SIZE, 3) or what is broadcast to it.
        own_noise: of a sample's colour that has nothing to do with the guide.
        link: (3, 3) of guide and colour.
        one_channel: have all channels of the guide be equal.
        told: (SIZE, SIZE, 3) the guide's expected value as the view is told it; None for the true one.
        error: about that of what it is told at first; with all passes of rays none is left.
        asked: the pixels for which it was asked, and with how many passes of rays.
    """

    guide_noise: float | NDArray[np.float32] = 0.3
    own_noise: float = 0.0
    link: NDArray[np.float32] = field(default_factory=lambda: LINK)
    one_channel: bool = False
    told: Image | None = None
    error: float = 0.0
    asked: list[tuple[NDArray[np.bool_], int]] = field(default_factory=list)

    color = scenery()
    albedo = np.full((SIZE, SIZE, 3), 0.5, dtype=np.float32)
    truth = np.full((SIZE, SIZE, 3), 0.4, dtype=np.float32)

    def block(self, seed: int, samples: int) -> Block:
        """The mean of some samples."""
        chance, few = np.random.default_rng(seed), np.float32(1 / np.sqrt(samples))
        noise = chance.standard_normal((SIZE, SIZE, 3), dtype=np.float32) * np.float32(few)
        off = (np.broadcast_to(noise[..., :1], noise.shape) if self.one_channel else noise) * np.float32(1) * self.guide_noise
        own = chance.standard_normal((SIZE, SIZE, 3), dtype=np.float32) * few * np.float32(self.own_noise)
        shading = (0.6 + 0.4 * np.sin(np.arange(SIZE) / 10)).astype(np.float32)[:, None, None]  # The slopes differ from place to place.
        return Block(
            samples, self.color + shading * (off @ self.link) + own, self.albedo + 0.1 * off, (self.truth + off).astype(np.float32)
        )

    def blocks(self, *samples: int, seed: int = 0) -> list[Block]:
        return [self.block(100 * seed + number, count) for number, count in enumerate(samples)]

    def expected(self, where: NDArray[np.bool_], passes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """As a guide tells it."""
        self.asked.append((where.copy(), passes))
        told = self.truth if self.told is None else self.told
        coarse = np.float32(self.error * (PASSES - passes) / (PASSES - 1))
        junk = np.where(where[..., None], told + coarse, np.float32(np.nan))  # What it holds elsewhere means nothing.
        return junk, np.full_like(told, coarse)
