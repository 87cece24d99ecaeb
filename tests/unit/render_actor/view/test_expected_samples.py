"""What is foreseen of a view, and which rays it is worth."""

from __future__ import annotations

import numpy as np
import pytest

from render_actor.contract.error_bound import ErrorBound
from render_actor.view.expected_samples import (
    direct_is_cheaper,
    direct_is_worth_it,
    enough,
    most_hidden,
    needed,
    outlook,
    stock_error,
    sure_stock_error,
)

BOUND = ErrorBound(median=1.0, every_view=1.25)


@pytest.mark.parametrize(
    ("error", "hoped", "worth"),
    [
        (4.0, 1.5, True),
        (4.0, 3.9, False),  # It would spare too few samples.
        (1.2, 0.5, False),  # The stock procedure is likely well within the bound: few samples will do.
        (20.0, 10.0, False),  # Either way the view takes all that it may.
    ],
)
def test_direct_light_is_for_views_that_are_hard_for_the_stock_procedure(error: float, hoped: float, worth: bool) -> None:
    assert direct_is_worth_it(error, hoped, taken=8, most=64, mask=np.ones((50, 50), dtype=bool), bound=BOUND) is worth
    assert not direct_is_worth_it(error, hoped, taken=8, most=64, mask=np.ones((40, 40), dtype=bool), bound=BOUND)


@pytest.mark.parametrize(
    ("left", "error", "pixels", "cheaper"),
    [
        (0.5, 2.0, 10_000, True),
        (0.97, 2.0, 10_000, False),  # Nearly all of the noise is of gloss.
        (0.5, 1.2, 10_000, False),  # A few samples more will do.
        (0.5, 2.0, 1_000, False),  # Its samples cost next to nothing.
    ],
)
def test_direct_light_is_for_views_that_need_many_samples(left: float, error: float, pixels: int, cheaper: bool) -> None:
    assert direct_is_cheaper(left, error, 8, 64, np.ones(pixels, dtype=bool), BOUND) is cheaper
    assert not direct_is_cheaper(left, error, 60, 64, np.ones(pixels, dtype=bool), BOUND)


def test_the_direct_light_may_not_take_all_of_the_bound() -> None:
    assert 0.5 * BOUND.accepted < most_hidden(BOUND) < BOUND.accepted


def test_more_error_needs_more_samples_and_none_needs_no_more() -> None:
    assert needed(0.5, 8, BOUND) == 8 < needed(1.5, 8, BOUND) < needed(3.0, 8, BOUND)


def test_the_outlook_ends_at_the_cap_and_keeps_what_no_sample_takes_away() -> None:
    samples, error = outlook(10.0, 8, 64, 1.0, hidden=0.6)
    assert samples == 64 and 0.6 < error < 10.0
    samples, error = outlook(0.9, 8, 64, 1.0)
    assert samples == 8 and error == pytest.approx(0.9)


def test_what_rays_cannot_bring_within_the_bound_is_no_reason_to_be_worse_than_the_stock_procedure() -> None:
    assert stock_error(4.0, 50) == 4.0 > stock_error(4.0, 8) > 2 * sure_stock_error(4.0, 8) > 1.0
    few = [stock_error(error, 4) for error in (1.0, 4.0, 16.0)]  # Few samples tell less, and large errors fall faster than others.
    assert few == sorted(few) and few[0] < stock_error(1.0, 8) and few[2] < 3 * few[1]
    assert enough(BOUND, hidden=0.3, stock=3.0) == BOUND.accepted
    assert BOUND.accepted < enough(BOUND, hidden=1.1, stock=3.0) < 3.0
    assert 3.0 <= enough(BOUND, hidden=50.0, stock=3.0) < 4.0
    assert outlook(50.0, 8, 64, 4.0, hidden=50.0) == (64, 50.0)  # It never comes there.
