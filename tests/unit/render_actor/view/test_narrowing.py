from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.contract.error_bound import ErrorBound
from render_actor.contract.view_quality import ViewQuality
from render_actor.view.block import Block
from render_actor.view.narrowing import LeaveOut
from render_actor.view.refinement import refined
from tests.unit.render_actor.view.noisy_views import OBJECT, TONE, Image, NoisyView, displayed_error

BOUND = ErrorBound(median=1.0, every_view=1.25)
SMALL = np.zeros_like(OBJECT)
SMALL[20:30, 12:40] = True
GARBAGE = np.float32(1e4)


class LeftOutView(NoisyView):
    """A view whose pixels can be left out: their samples are of no use then."""

    def __init__(self, sigma: float | NDArray[np.float64]) -> None:
        super().__init__(sigma)
        self.asked = list[NDArray[np.bool_]]()
        self.pixel_samples = 0

    def sample_only(self, where: NDArray[np.bool_]) -> None:
        self.asked.append(where.copy())

    def sample(self, first: int, count: int) -> Block:
        block = super().sample(first, count)
        where = self.asked[-1] if self.asked else np.ones_like(OBJECT)
        self.pixel_samples += count * int((where & OBJECT).sum())
        # As the filter of a renderer does, a pixel's samples may meet what its neighbours show.
        inner = ~where
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            inner |= np.roll(~where, step, axis)
        return Block(count, np.where(inner[..., None], GARBAGE, block.color), block.albedo, block.guide)

    def refined(self, *, most: int = 256, faces: int = 12, leave_out: bool = True) -> tuple[Image, ViewQuality]:
        leaves_out = LeaveOut(self.sample_only, faces) if leave_out else None
        return refined(self.sample, self.denoise, OBJECT, TONE, BOUND, 8, most, leave_out=leaves_out)


def in_few_pixels(high: float = 0.7, low: float = 0.02) -> LeftOutView:
    return LeftOutView(np.where(SMALL, high, low))


def test_noise_that_is_in_few_pixels_costs_samples_of_these_alone() -> None:
    view, whole = in_few_pixels(), in_few_pixels()
    image, quality = view.refined()
    all_of_it, as_ever = whole.refined(leave_out=False)
    assert view.asked and not whole.asked
    assert view.pixel_samples < 0.6 * whole.pixel_samples
    assert quality.estimated_error is not None and quality.estimated_error <= BOUND.median
    assert displayed_error(image, view.truth, OBJECT) <= BOUND.every_view
    assert as_ever.samples <= quality.samples  # They are told of the pixels that got most.
    assert image.max() < 100 and all_of_it.max() < 100  # None of what the left out pixels were given is in the image.


def test_pixels_with_noise_are_sampled_and_with_a_margin() -> None:
    view = in_few_pixels()
    view.refined()
    for where in view.asked:
        assert (where[1:-1, 1:-1] & SMALL[1:-1, 1:-1]).sum() > 0.9 * SMALL.sum()
    assert all((later <= earlier).all() for earlier, later in zip(view.asked, view.asked[1:], strict=False))


def test_a_pixel_that_is_left_out_stays_as_its_first_samples_show_it() -> None:
    view = in_few_pixels()
    image, _ = view.refined()
    first = in_few_pixels()
    before = first.block(0, next(start for start, _ in view.calls[2:]))
    still = ~view.asked[0]
    assert still[OBJECT].any() and np.allclose(image[still], before.color[still])


@pytest.mark.parametrize("sigma", [0.02, 0.35, 3.0])
def test_where_noise_is_alike_no_pixel_is_left_out(sigma: float) -> None:
    view, whole = LeftOutView(sigma), LeftOutView(sigma)
    image, quality = view.refined(most=64)
    other, as_ever = whole.refined(most=64, leave_out=False)
    assert not view.asked and quality == as_ever and np.array_equal(image, other)


def test_a_view_that_its_first_samples_bring_near_its_bound_is_sampled_as_a_whole() -> None:
    view = in_few_pixels(high=0.29)
    _, quality = view.refined()
    assert quality.samples > 8 and not view.asked


def test_a_mesh_that_takes_long_to_pack_is_sampled_as_a_whole() -> None:
    view = in_few_pixels()
    view.refined(faces=5_000_000)
    assert not view.asked


def test_what_is_left_out_counts_in_the_error_that_is_told() -> None:
    view = LeftOutView(np.where(SMALL, 3.0, 0.12))
    image, quality = view.refined(most=64)
    assert view.asked and quality.bound_missed and quality.samples == 64
    assert quality.estimated_error is not None
    assert 0.8 < quality.estimated_error / displayed_error(image, view.truth, OBJECT) < 1.3


def test_it_is_the_same_each_time() -> None:
    (image, quality), (again, same) = in_few_pixels().refined(), in_few_pixels().refined()
    assert quality == same and np.array_equal(image, again)
