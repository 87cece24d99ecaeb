from __future__ import annotations

from render_actor.contract.view_quality import ViewQuality
from serve_app.rendering.missed_bounds import missed_bounds


def missed(errors: dict[int, float], bound: float = 1.25) -> list[str]:
    return missed_bounds("standard", {view: ViewQuality(256, error, bound) for view, error in errors.items()})


def test_nothing_is_said_of_views_that_keep_their_bound_or_have_none() -> None:
    assert missed({0: 0.3, 1: 1.25}) == [] == missed({})
    assert missed_bounds("reference", {0: ViewQuality(50), 1: ViewQuality(50, 9.0)}) == []


def test_the_views_are_named_with_their_errors_the_worst_first() -> None:
    (text,) = missed({0: 0.4, 3: 1.38, 17: 1.412})
    assert text == (
        "views 17, 3: the error bound of standard (1.25 of 255) was not reached with 256 samples a pixel, "
        "its cap or where more bring little; estimated errors 1.412, 1.38; the request may ask for more `samples`"
    )


def test_one_view_is_one() -> None:
    (text,) = missed({3: 1.4})
    assert text.startswith("view 3: the error bound") and "estimated error 1.4;" in text


def test_of_many_views_the_worst_are_named() -> None:
    (text,) = missed({view: 1.3 + view / 100 for view in range(42)})
    assert text.startswith("views 41, 40, 39, 38, 37, 36, 35, 34 and 34 more: ")
    assert "estimated errors 1.71, 1.7, 1.69, 1.68, 1.67, 1.66, 1.65, 1.64;" in text


def test_bounds_that_differ_are_told_of_each_view() -> None:
    views = {5: ViewQuality(64, 2.5, 1.25), 9: ViewQuality(96, 2.75, 2.7)}
    (text,) = missed_bounds("standard", views)
    assert text.startswith("views 5, 9: the error bound of standard was not reached with 64, 96 samples a pixel")
    assert "estimated errors 2.5, 2.75 of 255, bounds 1.25, 2.7;" in text
