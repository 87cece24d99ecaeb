"""When a quality keeps what it promises."""

from __future__ import annotations

import pytest

from bench.promise import QUALITIES, CadResult, QualityResult


def _result(standard: list[float], stock: list[float], *, reference: float = 0.5, shift: float = 0.0) -> CadResult:
    def quality(errors: list[float]) -> QualityResult:
        return QualityResult(errors, 1.0, [None] * len(errors), [None] * len(errors), [])

    errors = {"standard": standard, "draft": standard, "reference": [reference] * len(stock)}
    qualities = {name: quality(errors[name]) for name in QUALITIES}
    return CadResult("cad", pixels=1000, stock_errors=stock, stock_cpu=10.0, shift=shift, qualities=qualities)


@pytest.mark.parametrize(
    ("standard", "stock", "kept"),
    [
        ([0.9, 0.9, 1.2], [0.5, 0.5, 0.5], True),
        ([0.9, 0.9, 1.3], [0.5, 0.5, 0.5], False),  # One view is worse than any may be.
        ([0.9, 1.1, 1.1], [0.5, 0.5, 0.5], False),  # The median view is.
        ([0.9, 0.9, 1.9], [0.5, 0.5, 2.0], True),  # The stock procedure is no better in that view.
        ([0.9, 0.9, 1.9], [2.0, 0.5, 0.5], False),  # It is no better in another.
    ],
)
def test_a_bound_gives_way_only_to_the_stock_procedures_error_in_the_same_view(
    standard: list[float], stock: list[float], kept: bool
) -> None:
    result = _result(standard, stock, reference=max(stock))
    assert (result.used("standard") <= 1) is kept
    assert ("standard" in result.faults()) is not kept


def test_a_stock_procedure_that_shows_another_picture_excuses_nothing() -> None:
    result = _result([1.9], [2.0], reference=2.0, shift=9.0)
    assert result.used("standard") > 1
    assert any("another picture" in fault for fault in result.faults())


def test_a_reference_behind_the_stock_procedure_is_a_fault() -> None:
    assert _result([0.9], [0.5], reference=0.5).faults() == []
    assert _result([0.9], [0.5], reference=0.55).faults() == ["reference"]


def test_a_cad_that_could_not_be_measured_says_why() -> None:
    assert CadResult("cad", failure="the Blender ended").faults() == ["the Blender ended"]
