"""Views whose converged image and whose noise are known."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.view.block import Block
from render_actor.view.error_estimate import ToneCurve

Image = NDArray[np.float32]

SIZE = 64
OBJECT = np.zeros((SIZE, SIZE), dtype=bool)
OBJECT[8:56, 8:56] = True

_linear = np.linspace(0, 16, 4096, dtype=np.float32)
TONE = ToneCurve(_linear, (255 * (_linear / 16) ** (1 / 2.4)).astype(np.float32))
"""Of a display with a gamma, white at 16."""


def scenery(seed: int = 0) -> Image:
    """(SIZE, SIZE, 3) linear: soft shading, and an edge."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    shade = 1.0 + 0.6 * np.sin(3 * rows + seed) * np.cos(2 * columns)
    shade[:, SIZE // 2 :] *= 0.5
    return (shade[..., None] * np.array([1.0, 0.8, 0.6])).astype(np.float32)


def displayed_error(image: Image, truth: Image, mask: NDArray[np.bool_]) -> float:
    """Root mean square difference of what is shown, of 255."""
    return float(np.sqrt(np.square(TONE(image[mask]) - TONE(truth[mask])).mean()))


def blurred(image: Image) -> Image:
    """What a simple denoiser makes of an image."""
    return cv2.GaussianBlur(image, (0, 0), 1.5)


def as_it_is(image: Image) -> Image:
    """No denoiser."""
    return image


class NoisyView:
    """Samples a view as a renderer does: sample number k of a pixel is always the same.

    Args:
        sigma: standard deviation of one sample of a pixel, relative to its colour; (SIZE, SIZE) or one for all.
        denoiser: of the image.
        seed: of the noise.
        truth: (SIZE, SIZE, 3); None for some scenery.

    Attributes:
        truth: (SIZE, SIZE, 3) the converged image.
        calls: first sample and count, as they were asked for.
    """

    def __init__(
        self,
        sigma: float | NDArray[np.float64],
        denoiser: Callable[[Image], Image] = as_it_is,
        seed: int = 0,
        truth: Image | None = None,
    ) -> None:
        self.truth = self._clean = scenery(seed) if truth is None else truth
        self._sigma = (np.broadcast_to(sigma, (SIZE, SIZE))[..., None] * self._clean).astype(np.float32)
        self._denoiser, self._seed = denoiser, seed
        self.calls: list[tuple[int, int]] = []

    @property
    def limit(self) -> Image:
        """What the denoised image comes to with ever more samples."""
        return self._denoiser(self.truth)

    @property
    def taken(self) -> int:
        """Samples a pixel so far."""
        return sum(count for _, count in self.calls)

    def sample(self, first: int, count: int) -> Block:
        """Mean of samples ``first`` to ``first + count - 1``."""
        self.calls.append((first, count))
        return self.block(first, count)

    def block(self, first: int, count: int) -> Block:
        """As ``sample``, without being counted."""
        total = np.zeros_like(self._clean)
        for number in range(first, first + count):
            total += np.random.default_rng((self._seed, number)).standard_normal(self._clean.shape, dtype=np.float32)
        return Block(
            count, self._clean + self._sigma * total / np.float32(count), np.full_like(self._clean, 0.5), np.zeros_like(self._clean)
        )

    def denoise(self, block: Block) -> Image:
        """The denoised image."""
        return self._denoiser(block.color)
