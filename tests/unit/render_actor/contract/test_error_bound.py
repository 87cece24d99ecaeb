from __future__ import annotations

import pytest

from render_actor.contract.error_bound import STOCK_SAMPLES, ErrorBound, most_samples
from render_actor.contract.scene import sampling_for
from render_actor.contract.view_time import normal_view_sec

PIXELS = [1, 10, 1000, 5000, 20_000, 100_000, 512**2, 2048**2, 8192**2]


@pytest.mark.parametrize("cap", [16, STOCK_SAMPLES, 100, 256, 4096])
def test_a_view_may_take_what_the_operator_allows_and_never_more(cap: int) -> None:
    counts = [most_samples(pixels, cap) for pixels in PIXELS]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == cap and all(min(cap, STOCK_SAMPLES) <= count <= cap for count in counts)


def test_no_view_is_denied_the_stock_procedures_error() -> None:
    assert all(most_samples(pixels, 4096) >= STOCK_SAMPLES for pixels in PIXELS)
    assert most_samples(8192**2, 4096) == STOCK_SAMPLES


def test_more_than_the_stock_procedures_samples_are_for_views_in_which_they_are_cheap() -> None:
    for pixels in PIXELS:
        if (count := most_samples(pixels, 4096)) > STOCK_SAMPLES:
            assert normal_view_sec(pixels, count) < 4


def test_an_image_of_no_pixels_is_asked_for_too() -> None:
    assert most_samples(0, 256) == 256


def test_a_sampling_without_a_bound_takes_exactly_what_it_says() -> None:
    for pixels in PIXELS:
        assert sampling_for("standard", 7).most_samples(pixels) == 7
        assert sampling_for("standard", max_samples=100).most_samples(pixels) == most_samples(pixels, 100)


def test_a_view_is_done_within_its_bound_and_further_samples_aim_below_that() -> None:
    for bound in (ErrorBound(1.0, 1.25), ErrorBound(2.0, 2.6)):
        assert 0 < bound.target <= bound.accepted <= bound.median < bound.every_view


@pytest.mark.parametrize("quality", ["standard", "draft"])
def test_qualities_promise_what_is_documented(quality: str) -> None:
    promised = {"standard": ErrorBound(1.0, 1.25), "draft": ErrorBound(2.0, 2.6)}
    assert sampling_for(quality).bound == promised[quality]  # type: ignore[arg-type]


def test_a_bound_that_accepts_an_error_in_any_case_is_never_stricter() -> None:
    bound = ErrorBound(median=1.0, every_view=1.25)
    assert bound.or_at_least(0.5) == bound
    wider = bound.or_at_least(2.0)
    assert wider.accepted == pytest.approx(2.0) and wider.every_view == 2.0 and wider.target < wider.accepted
