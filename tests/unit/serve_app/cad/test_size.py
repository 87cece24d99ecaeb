"""Which unit a CAD is taken to be in, and what is said of its size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from serve_app.cad.size import UnitUsed, size_warnings, unit_used, unit_warnings

CLIP = np.array([5.0, 2.5, 1.4])


@pytest.mark.parametrize(
    ("of_file", "asked", "unit", "whence"),
    [
        (None, "auto", "mm", "assumed"),
        ("m", "auto", "m", "file"),
        ("m", "inch", "inch", "request"),
        (None, "cm", "cm", "request"),
        ("mm", "mm", "mm", "request"),
    ],
)
def test_the_request_goes_before_the_file_and_mm_is_assumed(of_file: Any, asked: Any, unit: Any, whence: Any) -> None:
    assert unit_used(of_file, asked) == UnitUsed(unit, whence)


def test_a_contradiction_names_both_units() -> None:
    (text,) = unit_warnings("m", unit_used("m", "mm"))
    assert "its unit is m" in text and "the request says mm" in text and "0.001 times" in text
    assert unit_warnings("m", unit_used("m", "m")) == unit_warnings("m", unit_used("m", "auto")) == []
    assert unit_warnings(None, unit_used(None, "inch")) == []


def warned(extents: Any, unit: Any = "mm", whence: Any = "assumed") -> str:
    extents = np.array(extents, dtype=float)
    return " ".join(size_warnings(extents, float(np.linalg.norm(extents)), UnitUsed(unit, whence)))


def test_a_small_part_is_told_in_inches_and_metres() -> None:
    text = warned(CLIP)
    assert "5 x 2.5 x 1.4 mm in millimetres (assumed)" in text
    assert "in inches it is 127 x 63.5 x 35.6 mm" in text and "in metres it is 5 x 2.5 x 1.4 m" in text
    assert "unit=inch or unit=m" in text and "looks like metres" not in text


def test_no_part_is_two_millimetres_so_that_looks_like_metres() -> None:
    assert "looks like metres" in warned(CLIP / 10) and "unit=m" in warned(CLIP / 10)


@pytest.mark.parametrize("extents", [(10, 1, 1), (80, 80, 18), (1900, 300, 200)])
@pytest.mark.parametrize(("unit", "in_mm"), [("mm", 1.0), ("inch", 25.4), ("m", 1000.0)])
def test_a_part_of_a_usual_size_is_no_surprise(extents: Any, unit: Any, in_mm: float) -> None:
    assert not warned(np.array(extents) / in_mm, unit)


def test_a_huge_part_is_told_in_smaller_units() -> None:
    text = warned((80, 80, 18), "m", "request")
    assert "80 x 80 x 18 m in metres (as the request says)" in text and "in millimetres it is 80 x 80 x 18 mm" in text and "unit=mm" in text
    assert "in micrometres it is 80 x 80 x 18 mm: scale it" in warned((80_000, 80_000, 18_000))


def test_a_tiny_part_in_metres_can_only_be_scaled() -> None:
    text = warned((0.005, 0.001, 0.001), "m", "file")
    assert "5 x 1 x 1 mm in metres (as the file says)" in text and "scale it" in text and "unit=" not in text
