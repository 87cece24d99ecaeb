from __future__ import annotations

import pytest

from render_actor.contract.view_quality import ViewQuality


@pytest.mark.parametrize(
    ("error", "bound", "missed"),
    [(1.26, 1.25, True), (1.25, 1.25, False), (0.1, 1.25, False), (float("nan"), 1.25, True), (None, 1.25, False), (9.0, None, False)],
)
def test_a_bound_is_missed_by_an_estimate_above_it(error: float | None, bound: float | None, missed: bool) -> None:
    assert ViewQuality(12, error, bound).bound_missed == missed


def test_nothing_is_promised_unless_somebody_says_so() -> None:
    assert ViewQuality(12) == ViewQuality(12, None, None) and not ViewQuality(12).bound_missed
