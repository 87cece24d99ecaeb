from __future__ import annotations

from xml.etree import ElementTree

from bench.svg_chart import Panel, chart


def test_a_chart_has_a_line_that_steps_for_each_value_and_keeps_to_its_panel() -> None:
    panels = [Panel("a < b", {"x": [0, 4, 2], "y": [1, 1, 1]}), Panel("none", {"z": [0, 0, 0]})]
    root = ElementTree.fromstring(chart("t", [0.0, 1.0, 2.5], panels, {"burst": 1.0}))
    space = "{http://www.w3.org/2000/svg}"
    lines = [
        [tuple(map(float, point.split(","))) for point in (line.get("points") or "").split()] for line in root.iter(f"{space}polyline")
    ]
    assert len(lines) == 3 and all(len(line) == 5 for line in lines)
    width, height = (float(number) for number in (root.get("viewBox") or "").split()[2:])
    assert all(0 <= x <= width and 0 <= y <= height for line in lines for x, y in line)
    (_, zero), (_, same), (_, most), *_ = lines[0]
    assert zero == same > most
    assert "a < b" in [text.text for text in root.iter(f"{space}text")]
