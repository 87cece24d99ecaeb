"""What is told of a CAD."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from serve_app.cad.loader import LoadedCad
from serve_app.cad.mesh.parts import CadPart
from serve_app.cad.report import MAX_NAMES, cad_report, cad_warnings, part_reports

CORNERS = np.array([[-1.0, 0, 0], [1, 3, 0.5]])
LID = CadPart("lid", 12, (0.0, 0.0, 0.0), (1.0, 2.0, 0.25))
STATISTICS = {"vertices": 8, "faces": 12, "materials": 2, "textures": 1, "vertex_colors": True}
CAD = LoadedCad("key", "sha", None, CORNERS, STATISTICS, ("it is open",), 0, {}, "inch", (LID,), 4.0)


def test_sizes_are_in_mm_by_the_unit_that_is_used() -> None:
    told = cad_report(CAD, Path("a.STEP"), "auto")
    assert told == {
        **{"format": "step", "unit": "inch", "unit_from": "file", "size_mm": [50.8, 76.2, 12.7], "diameter_mm": 101.6},
        **{"vertices": 8, "faces": 12, "part_count": 1, "parts": ["lid"], "materials": 2, "textures": 1, "vertex_colors": True},
    }
    asked = cad_report(CAD, Path("a.STEP"), "cm")
    assert (asked["unit"], asked["unit_from"], asked["size_mm"], asked["diameter_mm"]) == ("cm", "request", [20.0, 30.0, 5.0], 40.0)
    assert part_reports(CAD, "cm", 5) == [{"name": "lid", "faces": 12, "size_mm": [10.0, 20.0, 2.5]}]


def test_of_many_parts_the_first_are_named_and_all_counted() -> None:
    many = LoadedCad("key", "sha", None, CORNERS, {}, (), 0, {}, None, (LID,) * (MAX_NAMES + 5), 4.0)
    told = cad_report(many, Path("a.glb"), "auto")
    assert told["part_count"] == MAX_NAMES + 5 and len(told["parts"]) == MAX_NAMES and len(part_reports(many, "auto", 3)) == 3


def test_its_readers_warnings_come_first_then_those_of_unit_and_size() -> None:
    assert cad_warnings(CAD, "auto") == ["it is open"]
    reader, unit, size = cad_warnings(CAD, "mm")
    assert reader == "it is open" and "says that its unit is inch" in unit and "2 x 3 x 0.5 mm" in size
