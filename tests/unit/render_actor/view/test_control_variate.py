from __future__ import annotations

import numpy as np
import pytest

from render_actor.view.block import Block, joined
from render_actor.view.control_variate import Correction, correction, no_correction
from tests.unit.render_actor.view.guided_view import GuidedView
from tests.unit.render_actor.view.noisy_views import OBJECT, SIZE, TONE, displayed_error

ALL = np.ones((SIZE, SIZE), dtype=bool)


def errors(view: GuidedView, blocks: list[Block]) -> tuple[float, float]:
    """Of 255: of the mean as it is, and as it is corrected."""
    mean = joined(blocks)
    corrected = correction(blocks, view, TONE, ALL, 0.2).of(mean)
    return tuple(displayed_error(one.color, view.color, ALL) for one in (mean, corrected))  # type: ignore[return-value]


@pytest.mark.parametrize("samples", [(4, 4), (8, 8, 16), (4, 4, 4, 4, 8)])
def test_noise_that_follows_the_guide_is_taken_out(samples: tuple[int, ...]) -> None:
    view = GuidedView()
    before, after = errors(view, view.blocks(*samples))
    assert before > 1.5 and after < 0.1 * before


def test_albedo_loses_its_noise_as_well() -> None:
    view = GuidedView()
    blocks = view.blocks(8, 8)
    mean = joined(blocks)
    corrected = correction(blocks, view, TONE, ALL, 0.2).of(mean)
    assert np.std(corrected.albedo) < 0.1 * np.std(mean.albedo)
    assert corrected.samples == mean.samples and np.array_equal(corrected.guide, mean.guide)


def test_each_part_of_the_samples_is_corrected_by_the_same_coefficients() -> None:
    view = GuidedView()
    blocks = view.blocks(8, 8)
    found = correction(blocks, view, TONE, ALL, 0.2)
    parts = [found.of(block) for block in blocks]
    assert all(displayed_error(part.color, view.color, ALL) < 1.0 for part in parts)
    assert joined(parts).color == pytest.approx(found.of(joined(blocks)).color, abs=1e-5)  # It is linear.


@pytest.mark.parametrize("samples", [(4, 4), (4, 4, 8), (8, 8, 16, 32)])
def test_noise_of_its_own_is_hardly_made_worse(samples: tuple[int, ...]) -> None:
    view = GuidedView(own_noise=0.3, link=np.zeros((3, 3), dtype=np.float32))
    before, after = errors(view, view.blocks(*samples))
    assert before > 1.5 and after < 1.15 * before


def test_of_mixed_noise_the_part_that_follows_the_guide_is_taken_out() -> None:
    view, alone = GuidedView(own_noise=0.1), GuidedView(own_noise=0.1, guide_noise=0.0)
    samples = (8, 8, 16)
    before, after = errors(view, view.blocks(*samples))
    least, _ = errors(alone, alone.blocks(*samples))
    assert least < after < 1.3 * least < 0.6 * before


def test_what_is_corrected_has_no_bias() -> None:
    view = GuidedView(own_noise=0.05)
    means = []
    for seed in range(24):
        blocks = view.blocks(4, 4, seed=seed)
        means.append(correction(blocks, view, TONE, ALL, 0.2).of(joined(blocks)).color)
    off = np.mean(means, axis=0) - view.color
    scatter = np.std(means, axis=0, ddof=1) / np.sqrt(len(means))
    assert np.sqrt(np.square(off).mean()) < 1.15 * np.sqrt(np.square(scatter).mean())
    assert abs(off.mean()) < 2e-3


def test_a_pixel_whose_guide_is_black_is_left_alone() -> None:
    noise = np.zeros((SIZE, SIZE, 3), dtype=np.float32)
    noise[OBJECT] = 0.3
    view = GuidedView(guide_noise=noise, own_noise=0.05)
    blocks = view.blocks(8, 8)
    found, mean = correction(blocks, view, TONE, ALL, 0.2), joined(blocks)
    assert found.where[OBJECT].mean() > 0.9
    far = np.ones_like(OBJECT)
    far[6:58, 6:58] = False  # The window of a pixel there does not reach the object.
    assert not found.where[far].any()
    assert np.array_equal(found.of(mean).color[far], mean.color[far])


@pytest.mark.parametrize("level", [0.0, 0.4])
def test_a_guide_without_noise_corrects_nothing_and_is_not_asked(level: float) -> None:
    view = GuidedView(guide_noise=0.0, own_noise=0.3)
    view.truth = np.full((SIZE, SIZE, 3), level, dtype=np.float32)
    blocks = view.blocks(8, 8)
    found = correction(blocks, view, TONE, ALL, 0.2)
    assert not found.where.any() and not view.asked
    assert found.of(blocks[0]) is blocks[0]


def test_where_the_expected_value_contradicts_the_guide_nothing_is_changed() -> None:
    told = GuidedView.truth.copy()
    wrong = np.zeros((SIZE, SIZE), dtype=bool)
    wrong[20:40, 20:40] = True
    told[wrong] += 0.6
    view = GuidedView(told=told)
    blocks = view.blocks(8, 8, 16)
    found, mean = correction(blocks, view, TONE, ALL, 0.2), joined(blocks)
    assert not found.where[wrong].any()
    assert np.array_equal(found.of(mean).color[wrong], mean.color[wrong])
    far = np.ones_like(wrong)
    far[17:43, 17:43] = False
    assert found.where[far].mean() > 0.9
    assert displayed_error(found.of(mean).color, view.color, far) < 0.2 * displayed_error(mean.color, view.color, far)


def test_a_spark_does_not_spoil_its_neighbours() -> None:
    view = GuidedView()
    blocks = view.blocks(8, 8)
    clean = correction(blocks, view, TONE, ALL, 0.2).of(joined(blocks)).color
    blocks[1].color[30, 30] += 3000.0
    found, mean = correction(blocks, view, TONE, ALL, 0.2), joined(blocks)
    corrected = found.of(mean).color
    around = np.zeros_like(ALL)
    around[26:35, 26:35] = True
    around[30, 30] = False
    before, after = (displayed_error(one, view.color, around) for one in (mean.color, corrected))
    assert after < 1.5 * before
    elsewhere = ~around
    elsewhere[30, 30] = False
    assert np.array_equal(corrected[elsewhere], clean[elsewhere])


def test_a_guide_of_equal_channels_is_as_good_as_one() -> None:
    view = GuidedView(one_channel=True)
    before, after = errors(view, view.blocks(8, 8))
    assert before > 2.0 and after < 0.1 * before


@pytest.mark.parametrize("channel", range(3))
def test_a_guide_of_one_channel_is_enough_where_it_tells_all(channel: int) -> None:
    noise = np.zeros((SIZE, SIZE, 3), dtype=np.float32)
    noise[..., channel] = 0.3
    view = GuidedView(guide_noise=noise)
    before, after = errors(view, view.blocks(8, 8))
    assert before > 0.5 and after < 0.2 * before


def test_a_correction_that_nobody_would_see_is_not_made() -> None:
    view = GuidedView(guide_noise=0.001)
    assert not correction(view.blocks(8, 8), view, TONE, ALL, 0.2).where.any() and not view.asked


def test_more_rays_are_cast_only_where_their_error_would_be_seen() -> None:
    sure, unsure = GuidedView(), GuidedView(error=0.2)
    found = [errors(view, view.blocks(8, 8)) for view in (sure, unsure)]
    assert [passes for _, passes in sure.asked] == [1] and [passes for _, passes in unsure.asked] == [1, 2, 4]
    assert all((where <= unsure.asked[0][0]).all() for where, _ in unsure.asked[1:])
    assert found[1][1] < 2 * found[0][1] + 0.1


def test_colours_stay_colours() -> None:
    where = np.zeros((2, 2), dtype=bool)
    where[0, 1] = True
    slopes = np.tile(np.array([10.0, -10, 0, 10, -10, 0], dtype=np.float32), (1, 3, 1))
    half = np.full((2, 2, 3), 0.5, dtype=np.float32)
    found = Correction(where, slopes, np.full((1, 3), 1.0, dtype=np.float32), np.zeros(1)).of(Block(4, half, half, half))
    assert found.color[0, 1] == pytest.approx([15.5, 0.0, 0.5]) and found.albedo[0, 1] == pytest.approx([1.0, 0.0, 0.5])
    assert np.array_equal(found.color[~where], half[~where]) and half.max() == 0.5


def test_no_correction_changes_nothing() -> None:
    block = GuidedView().block(0, 4)
    assert no_correction((SIZE, SIZE)).of(block) is block


def test_more_rays_are_cast_for_the_fewest_pixels_that_bring_the_error_down_to_what_is_allowed() -> None:
    cast = []
    for allowed in (1000.0, 1.5, 0.5, 0.0):
        view = GuidedView(error=0.05)
        found = correction(view.blocks(8, 8), view, TONE, ALL, allowed)
        assert found.rms_error(ALL) <= allowed
        cast.append(sum(int(where.sum()) for where, passes in view.asked if passes > 1))
    assert cast[0] == 0 < cast[1] < cast[2] < cast[3]
