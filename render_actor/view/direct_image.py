"""The picture of a view's direct light, nearly free of noise, that takes the place of what the samples say of it.

It is the light of the lamp and of the world that the surface reflects in all directions, after no other reflection.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.contract.scene import TemplateScene
from render_actor.view.block import Block, joined
from render_actor.view.direct_check import checked, said_otherwise
from render_actor.view.direct_light import DirectLight, Lit
from render_actor.view.error_estimate import ToneCurve
from render_actor.view.guide_slopes import displayed_slope
from render_actor.view.picture_error import by_chance, displayed, rms, worst
from render_actor.view.pixel_filter import NET, kernels, net
from render_actor.view.same_shadow import SameShadow
from render_actor.view.too_slow import ViewTooSlowError

_STAGES = (4, 16, NET)
"""Points of a pixel: the first few everywhere, the others where they are needed."""

_HALVES = 0b010110
"""Bits of a point's number whose parity parts the points in two halves that are each well spread, of 4 points and of 64."""

_AFTER_CHANGE = 0.5
"""Of what three times as many points more have changed, so much is the error that stays, about."""

_LEFT_BY_ALL = {4: 0.12, 16: 0.35}
"""Of the error after so many points, the part that is left at least after all of them."""

_DOUBT = 1.1
"""By which its error is taken larger: for what the reflectance is off."""

_ALIKE = (5, 5)
"""Pixels that see about the same part of the world."""


@dataclass(frozen=True)
class DirectImage:
    """A view's direct light.

    Attributes:
        where: (H, W) pixels in which it is known.
        image: (H, W, 3) linear RGB there, elsewhere 0.
        error: root mean square error that it has itself over the object's pixels, of 255; no further samples tell of it.
    """

    where: NDArray[np.bool_]
    image: NDArray[np.float32]
    error: float


class ViewDirect:
    """Makes the picture of one view.

    Args:
        light: of the mesh in this view.
        scene: gives the camera.
        view: index of the camera.
        bounds: (left, top, right, bottom) of the pixels that are rendered.
        may_take_sec: seconds from now on in which all rays must be cast.
    """

    def __init__(
        self, light: DirectLight, scene: TemplateScene, view: int, bounds: tuple[int, int, int, int], may_take_sec: float = math.inf
    ) -> None:
        self._light, self._scene, self._view = light, scene, view
        self._may_take_sec, self._until = may_take_sec, time.monotonic() + may_take_sec
        self._left, self._top, right, bottom = bounds
        self._shape = (bottom - self._top + 2, right - self._left + 2)  # The filter reaches a pixel farther.
        self._open = np.zeros(self._shape, dtype=np.float32)  # The first rays tell it.
        self._doubled = np.zeros(self._shape, dtype=bool)
        self._shadow = SameShadow(self._shape)

    def image(
        self, blocks: Sequence[Block], mask: NDArray[np.bool_], tone: ToneCurve, allowed: float, at_most: float = math.inf
    ) -> DirectImage | None:
        """The picture; None when its error is above ``at_most``, or its first points foretell that.

        Args:
            blocks: of samples that know nothing of each other, at least two, with their direct parts.
            mask: (H, W) the object's pixels.
            tone: of the view transform.
            allowed: root mean square error over these pixels that may stay for want of rays, of 255.
            at_most: error of the picture with which it is of no use, of 255.

        Raises:
            ViewTooSlowError: the rays took longer than they may.
        """
        mean = joined(blocks)
        assert mean.direct is not None
        seen = _padded(mask | (mean.albedo > 0).any(axis=-1))
        known, wanted = (cv2.dilate(seen, np.ones((reach, reach), np.uint8)) > 0 for reach in (3, 5))
        known = known[1:-1, 1:-1]
        rays = self._rays(wanted, 0, _STAGES[0])
        image, halves = self._picture(rays)
        # By what the rays see: where the samples are dark by chance, they would count for more.
        slope = displayed_slope(tone, image + np.maximum(mean.color - mean.direct, 0)).astype(np.float32)
        squares = self._squares(rays)
        error = np.maximum(displayed(halves, slope, mask), by_chance(squares, image, slope, mask, _STAGES[0]))
        other = said_otherwise(image, squares, blocks, slope) & known
        for first, last in itertools.pairwise(_STAGES):
            fine = worst(error, allowed) | other
            if not fine.any():
                break
            if rms(error, mask) * _LEFT_BY_ALL[first] > at_most:
                return None
            around = cv2.dilate(_padded(fine), np.ones((3, 3), np.uint8)) > 0
            rays, new = self._rays(around, first, last), np.float32(1 - first / last)
            change = np.where(fine[..., None], new * (self._picture(rays)[0] - image), np.float32(0))
            image, squares = image + change, np.where(fine, squares + new * (self._squares(rays) - squares), squares)
            told = np.maximum(displayed(np.float32(_AFTER_CHANGE) * change, slope, mask), by_chance(squares, image, slope, mask, last))
            error, other = np.where(fine, told, error), said_otherwise(image, squares, blocks, slope) & known
        where, bias = checked(image, other, self._doubled[1:-1, 1:-1], blocks, slope, known, mask)
        own = float(np.square(error)[mask & where].sum() / max(mask.sum(), 1))
        its_own = _DOUBT * math.sqrt(own + bias)
        if its_own > at_most:
            return None
        return DirectImage(where, np.where(where[..., None], image, np.float32(0)).astype(np.float32), its_own)

    def _rays(self, where: NDArray[np.bool_], first: int, last: int) -> _Rays:
        rows, columns = np.nonzero(where)
        chance, shadow = _chance(rows + self._top, columns + self._left), self._shadow.known()[rows, columns]
        lit = []
        for number, (x, y) in enumerate(net(first, last), start=first):
            if time.monotonic() > self._until:
                raise ViewTooSlowError(f"rays to the lamp were not done within {self._may_take_sec:.3g} s")
            directions = self._scene.directions_in_cad(self._view, columns + (x + self._left - 1), rows + (y + self._top - 1))
            sky = _uniform(chance, number + NET) if first == 0 else None
            lit.append(self._light.along(directions.astype(np.float32), _uniform(chance, number), sky, shadow))
        if first == 0:
            self._open = self._openness(rows, columns, lit)
            for of_point in lit:
                self._doubled[rows[of_point.hit], columns[of_point.hit]] |= of_point.doubled
        if last < NET:  # What the last ones meet, no others ask for.
            for of_point in lit:
                self._shadow.add(rows[of_point.hit], columns[of_point.hit], of_point.shadow)
        return _Rays(first, last, rows, columns, [(of_point.hit, self._light_of(of_point, rows, columns)) for of_point in lit])

    def _light_of(self, lit: Lit, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
        """(N, 3) linear RGB that comes back of the lamp and the world."""
        return np.asarray(lit.lamp + lit.world * self._open[rows[lit.hit], columns[lit.hit], None])

    def _openness(self, rows: NDArray[np.int64], columns: NDArray[np.int64], lit: list[Lit]) -> NDArray[np.float32]:
        """(H, W) part of the world that the surface sees, in the mean of some pixels: a ray tells little, and it changes slowly."""
        seen, rays = np.zeros((2, *self._shape), np.float32)
        for of_point in lit:
            where = rows[of_point.hit], columns[of_point.hit]
            seen[where] += of_point.open
            rays[where] += 1
        seen, rays = (cv2.blur(image, _ALIKE, borderType=cv2.BORDER_CONSTANT) for image in (seen, rays))
        return np.asarray(seen / np.maximum(rays, np.float32(1e-6)))

    def _picture(self, rays: _Rays) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(H, W, 3) direct light, and half the difference of what two halves of the points say."""
        both = np.zeros((2, *self._shape, 3), np.float32)
        for number, (hit, light, kernel) in enumerate(rays.of_points(), start=rays.first):
            both[(number & _HALVES).bit_count() % 2] += self._filtered(rays, hit, light, kernel)
        inside = (slice(1, -1), slice(1, -1))
        return (both[0] + both[1])[inside], (both[0] - both[1])[inside]

    def _squares(self, rays: _Rays) -> NDArray[np.float32]:
        """(H, W) mean square of the light that a pixel's rays meet, summed over its channels."""
        of_points = (self._filtered(rays, hit, np.square(light).sum(axis=-1), kernel) for hit, light, kernel in rays.of_points())
        return np.asarray(sum(of_points), dtype=np.float32)[1:-1, 1:-1]

    def _filtered(
        self, rays: _Rays, hit: NDArray[np.int64], values: NDArray[np.float32], kernel: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        image = np.zeros((*self._shape, *values.shape[1:]), np.float32)
        image[rays.rows[hit], rays.columns[hit]] = values
        return np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_CONSTANT))


@dataclass(frozen=True)
class _Rays:
    """What the rays of some points of some pixels meet; ``rows`` and ``columns`` (R,) are of the padded image.

    ``lit`` has, of each point, the indices (N,) of the rays that meet the surface, and the linear RGB (N, 3) that comes back there.
    """

    first: int
    last: int
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    lit: list[tuple[NDArray[np.int64], NDArray[np.float32]]]

    def of_points(self) -> list[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float64]]]:
        """By point, with its weights in the pixels around."""
        return [(hit, light, kernel) for (hit, light), kernel in zip(self.lit, kernels(net(self.first, self.last)), strict=True)]


def noise_left(blocks: Sequence[Block], mask: NDArray[np.bool_], tone: ToneCurve) -> float:
    """The part of the displayed noise, as a standard deviation, that is not the direct light's; 0..1.

    Args:
        blocks: of samples, at least two, with their direct parts.
        mask: (H, W) the pixels that count.
        tone: of the view transform.
    """
    first, second = (block.without_direct(mask) for block in blocks[:2])
    slope = displayed_slope(tone, joined(blocks).color[mask])
    rest = float(np.square((first.color - second.color)[mask] * slope).sum())
    whole = float(np.square((blocks[0].color - blocks[1].color)[mask] * slope).sum())
    return math.sqrt(min(rest / whole, 1.0)) if whole > 0.0 else 1.0


def _padded(where: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.pad(where.astype(np.uint8), 1)


def _chance(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """(R, 2) in 0..1 by chance, the same in each run: other ones in each pixel, so that shadows have no pattern."""
    mixed = (rows.astype(np.uint64) * np.uint64(0x9E3779B1) + columns.astype(np.uint64) * np.uint64(0x85EBCA77)) * np.uint64(
        0xD6E8FEB86659FD93
    )
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(0xD6E8FEB86659FD93)
    mixed ^= mixed >> np.uint64(32)
    return np.stack([mixed & np.uint64(0xFFFF), mixed >> np.uint64(16) & np.uint64(0xFFFF)], axis=-1).astype(np.float64) / 65536


def _uniform(chance: NDArray[np.float64], number: int) -> NDArray[np.float32]:
    """(R, 2) in 0..1 of one of a pixel's points, which are well spread; ``chance`` (R, 2) is the pixel's."""
    # The generalised golden ratio in two dimensions.
    return np.asarray((chance + number * np.array([0.7548776662466927, 0.5698402909980532])) % 1, dtype=np.float32)
