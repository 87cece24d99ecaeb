from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.contract.error_bound import ErrorBound
from render_actor.contract.view_quality import ViewQuality
from render_actor.view.block import Block, joined
from render_actor.view.direct_image import DirectImage
from render_actor.view.error_estimate import ToneCurve
from render_actor.view.refinement import Care, refined
from tests.unit.render_actor.view.guided_view import GuidedView
from tests.unit.render_actor.view.noisy_views import OBJECT, TONE, Image, NoisyView, as_it_is, blurred, displayed_error, scenery

BOUND = ErrorBound(median=1.0, every_view=1.25)
FIRST, MOST = 8, 256


@dataclass
class Done:
    """A view that has been refined."""

    view: NoisyView
    image: Image
    quality: ViewQuality

    @property
    def true_error(self) -> float:
        return displayed_error(self.image, self.view.truth, OBJECT)


def refine(
    sigma: float | NDArray[np.float64],
    denoiser: Callable[[Image], Image] = as_it_is,
    *,
    mask: NDArray[np.bool_] = OBJECT,
    bound: ErrorBound = BOUND,
    first: int = FIRST,
    most: int = MOST,
) -> Done:
    view = NoisyView(sigma, denoiser)
    return Done(view, *refined(view.sample, view.denoise, mask, TONE, bound, first, most))


NOISE = [0.01, 0.1, 0.2, 0.35]


@pytest.mark.parametrize("denoiser", [as_it_is, blurred])
@pytest.mark.parametrize("sigma", NOISE)
def test_a_view_is_sampled_until_its_error_is_within_its_bound(sigma: float, denoiser: Callable[[Image], Image]) -> None:
    done = refine(sigma, denoiser)
    assert done.quality.estimated_error is not None
    assert done.quality.estimated_error <= BOUND.median and done.quality.error_bound == BOUND.every_view
    assert not done.quality.bound_missed
    assert done.true_error <= BOUND.every_view


def test_each_view_gets_what_it_needs() -> None:
    samples = [refine(sigma).quality.samples for sigma in NOISE]
    assert samples == sorted(samples) and samples[0] == FIRST and samples[-1] > 4 * FIRST
    assert refine(0.3, blurred).quality.samples < refine(0.3).quality.samples
    draft = refine(0.3, bound=ErrorBound(median=2.0, every_view=2.6), first=4)
    assert draft.quality.samples < refine(0.3).quality.samples


@pytest.mark.parametrize("most", [1, 2, 3, 5, 8, 17, 64, 256])
@pytest.mark.parametrize("sigma", [0.01, 0.4, 5.0])
def test_blocks_are_taken_in_order_without_gaps_and_all_are_told_and_used(sigma: float, most: int) -> None:
    done = refine(sigma, most=most)
    following = 0
    for start, count in done.view.calls:
        assert start == following and count >= 1
        following += count
    assert done.quality.samples == following <= max(2, most)
    assert np.allclose(done.image, done.view.block(0, following).color, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("most", [2, 3, 8, 64])
def test_a_view_that_needs_more_than_the_cap_takes_all_of_it_and_tells_the_error_that_is_left(most: int) -> None:
    done = refine(5.0, most=most)
    assert done.quality.samples == most and done.quality.bound_missed
    assert done.quality.estimated_error is not None
    assert done.true_error / 2.5 < done.quality.estimated_error < 2.5 * done.true_error


def test_an_error_is_known_even_where_the_cap_is_a_single_sample() -> None:
    done = refine(5.0, most=1)
    assert done.quality.samples == 2 and done.quality.bound_missed


@dataclass
class Looks:
    """A view, and how often each denoiser looks at it."""

    sigma: float
    quick: int = 0
    slow: int = 0

    def refined(self, most: int) -> tuple[NoisyView, ViewQuality]:
        view = NoisyView(self.sigma)

        def denoise(block: Block) -> Image:
            self.quick += 1
            return block.color

        def denoise_with_care(block: Block) -> Image:
            self.slow += 1
            return blurred(block.color)

        _, quality = refined(view.sample, denoise, OBJECT, TONE, BOUND, FIRST, most, care=Care(denoise_with_care, 0.5, 0))
        return view, quality


def test_the_slower_denoiser_is_asked_where_the_quick_one_leaves_too_much() -> None:
    easy, middling = Looks(0.01), Looks(0.35)
    assert easy.refined(MOST)[1].samples == FIRST and (easy.quick, easy.slow) == (2, 0)
    _, quality = middling.refined(MOST)
    assert middling.quick == 2 and middling.slow >= 2
    assert FIRST < quality.samples < refine(0.35).quality.samples


def test_a_hopeless_view_is_looked_at_again_only_when_it_has_all_samples() -> None:
    looks = Looks(5.0)
    view, quality = looks.refined(64)
    assert view.calls == [(0, 4), (4, 4), (8, 24), (32, 32)] and quality.bound_missed
    assert (looks.quick, looks.slow) == (4, 0)
    assert quality == refine(5.0, most=64).quality


@pytest.mark.parametrize("first", [2, 4, 8, 9])
def test_a_view_without_noise_ends_with_the_first_samples(first: int) -> None:
    done = refine(0.0, first=first)
    assert done.quality == ViewQuality(first // 2 * 2, 0.0, BOUND.every_view)
    assert np.array_equal(done.image, done.view.truth)


@pytest.mark.parametrize(("first", "part", "more"), [(4, 0.93, True), (4, 0.85, False), (8, 0.93, False)])
def test_what_four_samples_tell_is_believed_only_with_room_to_spare(first: int, part: float, more: bool) -> None:
    told = refine(0.1, first=first, bound=ErrorBound(median=100.0, every_view=100.0)).quality.estimated_error
    assert told
    accepted = told / part
    bound = ErrorBound(median=BOUND.median / BOUND.accepted * accepted, every_view=2 * accepted)
    assert (refine(0.1, first=first, bound=bound).quality.samples > first) == more


def test_the_same_samples_give_the_same_image() -> None:
    one, other = refine(0.4, blurred), refine(0.4, blurred)
    assert one.view.calls == other.view.calls and one.quality == other.quality
    assert one.image.tobytes() == other.image.tobytes()


def test_noise_beside_the_object_costs_no_samples() -> None:
    assert refine(np.where(OBJECT, 0.01, 5.0)).quality.samples == FIRST
    small = np.zeros_like(OBJECT)
    small[20:24, 20:24] = True
    within = refine(np.where(small, 0.3, 0.0), mask=small)
    assert within.quality.samples > FIRST and not within.quality.bound_missed
    assert displayed_error(within.image, within.view.truth, small) <= 1.5 * BOUND.every_view


def test_where_there_is_no_object_all_pixels_count() -> None:
    everywhere = refine(0.3, mask=np.ones_like(OBJECT))
    nowhere = refine(0.3, mask=np.zeros_like(OBJECT))
    assert nowhere.quality == everywhere.quality and nowhere.quality.samples > FIRST


def test_what_a_sampler_or_a_denoiser_raises_is_raised() -> None:
    view = NoisyView(0.3)

    def broken(block: Block) -> Image:
        raise RuntimeError("no device")

    with pytest.raises(RuntimeError, match="no device"):
        refined(view.sample, broken, OBJECT, TONE, BOUND, FIRST, MOST)

    def stopped(first: int, count: int) -> Block:
        if first >= FIRST:
            raise TimeoutError("too slow")
        return view.sample(first, count)

    with pytest.raises(TimeoutError, match="too slow"):
        refined(stopped, view.denoise, OBJECT, TONE, BOUND, FIRST, MOST)


def test_blocks_of_any_sizes_add_up_to_the_mean_of_all_samples() -> None:
    view = NoisyView(0.5)
    for cuts in ([1, 1, 2, 4], [4, 4], [7, 1], [3, 2, 3]):
        firsts = np.cumsum([0, *cuts[:-1]]).tolist()
        taken = joined([view.block(first, count) for first, count in zip(firsts, cuts, strict=True)])
        whole = view.block(0, 8)
        assert taken.samples == 8 and np.allclose(taken.color, whole.color, atol=1e-5) and np.allclose(taken.albedo, whole.albedo)


def refine_guided(view: GuidedView, *, guided: bool) -> tuple[ViewQuality, float]:
    """What it took, and the true error."""
    image, quality = refined(
        lambda first, count: view.block(first, count), lambda block: block.color, OBJECT, TONE, BOUND, FIRST, MOST, view if guided else None
    )
    return quality, displayed_error(image, view.color, OBJECT)


def test_a_view_whose_noise_its_guide_explains_needs_fewer_samples() -> None:
    (plain, _), (guided, error) = (refine_guided(GuidedView(0.4, own_noise=0.05), guided=guided) for guided in (False, True))
    assert guided.samples < 0.5 * plain.samples and not guided.bound_missed
    assert error <= BOUND.every_view


def test_a_guide_that_contradicts_itself_changes_nothing() -> None:
    told = GuidedView.truth + np.float32(2.0)
    plain, wrong = (refine_guided(GuidedView(0.3, own_noise=0.2, told=told), guided=guided) for guided in (False, True))
    assert wrong == plain


@dataclass
class LampLit:
    """A view in which nearly all of the light, and of the noise, is the lamp's; also tells the picture of that light.

    Attributes:
        sigma: standard deviation of the direct light's samples, relative to it.
        hidden: error of the picture, as it says itself.
        asked: how often it was asked for.
    """

    sigma: float
    hidden: float = 0.0
    asked: int = 0

    light = scenery()
    rest = np.full_like(light, 0.1)

    @property
    def truth(self) -> Image:
        return self.light + self.rest

    def sample(self, first: int, count: int) -> Block:
        noisy = NoisyView(self.sigma, truth=self.light).block(first, count)
        return Block(count, noisy.color + self.rest, noisy.albedo, noisy.guide, noisy.color)

    def image(
        self, blocks: Sequence[Block], mask: NDArray[np.bool_], tone: ToneCurve, allowed: float, at_most: float
    ) -> DirectImage | None:
        self.asked += 1
        assert mask is OBJECT and 0 < allowed < at_most
        return None if self.hidden > at_most else DirectImage(mask, np.where(mask[..., None], self.light, np.float32(0)), self.hidden)

    def refined(self, *, known: bool, most: int = 256) -> tuple[Image, ViewQuality]:
        def denoise(block: Block) -> Image:
            return block.color

        return refined(self.sample, denoise, OBJECT, TONE, BOUND, FIRST, most, direct=self if known else None)


def test_direct_light_that_is_known_takes_the_place_of_what_the_samples_say_of_it() -> None:
    view = LampLit(sigma=0.4)
    sampled, plain = view.refined(known=False)
    image, quality = view.refined(known=True)
    assert view.asked == 1 and quality.samples == FIRST < plain.samples
    assert displayed_error(image, view.truth, OBJECT) < 0.5 < displayed_error(sampled, view.truth, OBJECT)
    assert np.array_equal(image, view.refined(known=True)[0])


def test_direct_light_is_left_to_the_samples_where_they_are_good_enough() -> None:
    view = LampLit(sigma=0.05)
    image, quality = view.refined(known=True)
    plain, plain_quality = view.refined(known=False)
    assert not view.asked and quality == plain_quality and np.array_equal(image, plain)


def test_a_picture_of_direct_light_that_is_worse_than_the_samples_is_not_used() -> None:
    view = LampLit(sigma=0.4, hidden=50.0)
    image, quality = view.refined(known=True)
    plain, plain_quality = view.refined(known=False)
    assert view.asked == 1 and quality == plain_quality and np.array_equal(image, plain)


def test_a_view_that_would_need_many_samples_has_its_direct_light_told_by_rays() -> None:
    view, rough = LampLit(sigma=0.15, hidden=0.3), LampLit(sigma=0.15, hidden=0.9)
    plain = view.refined(known=False)[1]
    image, quality = view.refined(known=True)
    assert view.asked == 1 and FIRST <= quality.samples <= plain.samples / 2
    assert displayed_error(image, view.truth, OBJECT) <= BOUND.every_view
    # With so much error of its own, the picture is of no use where no more is promised than the bound.
    assert rough.refined(known=True)[1] == plain and rough.asked == 1


def test_a_view_that_the_stock_procedure_leaves_far_from_converged_need_not_be_nearer_than_it_surely_is() -> None:
    view = LampLit(sigma=1.5, hidden=1.6)
    quality = view.refined(known=True)[1]
    stock = displayed_error(view.sample(0, 50).color, view.truth, OBJECT)
    assert quality.samples == FIRST and quality.estimated_error is not None and quality.error_bound is not None
    assert BOUND.every_view < quality.estimated_error <= quality.error_bound < stock
    assert view.refined(known=False)[1].error_bound == BOUND.every_view


def test_the_own_error_of_known_direct_light_is_told() -> None:
    assert (LampLit(sigma=0.4, hidden=0.3).refined(known=True)[1].estimated_error or 0.0) >= 0.3
