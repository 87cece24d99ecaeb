"""The benchmark's arithmetic: bounds, quality, and the scheduler's stubs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench.figures import Figure, as_json, markdown_table, text_table
from bench.quality import View, distance, silhouettes


def square(shade: int, depth: float = 0.0) -> View:
    mask = np.zeros((40, 40), dtype=bool)
    mask[8:32, 8:32] = True
    xyz = np.full((40, 40, 3), -1.0, dtype=np.float32)
    xyz[mask] = (1.0, 2.0, 3.0)
    xyz[8:32, 20:32, 2] += depth
    rgb = np.full((40, 40, 3), 70, dtype=np.uint8)
    rgb[mask] = shade
    return View(rgb, mask, xyz)


def test_a_figure_outside_its_bound_fails_the_run() -> None:
    figures = [Figure("speed", "stock", 9.9, "x", 10, 15), Figure("error", "stock", 0.4, "mm", 0.5, better="less")]
    assert [figure.verdict for figure in figures] == ["FAIL", "ok"]
    assert json.loads(as_json(figures, {}))["ok"] is False
    assert "FAIL" in text_table(figures) and markdown_table(figures).count("\n") == 3


def test_a_figure_that_is_not_a_number_is_outside_its_bound() -> None:
    assert not Figure("xyz", "stock", float("nan"), "mm", 0.5, better="less").ok


def test_an_image_off_by_one_everywhere_is_at_48_db() -> None:
    found = distance(square(101), square(100).rgb, square(100))
    assert found.psnr == pytest.approx(48.13, abs=0.01)
    assert (found.worst, found.iou, found.xyz_p99) == (1, 1.0, 0.0)


def test_a_step_of_depth_inside_the_object_is_a_silhouette() -> None:
    flat, stepped = square(100), square(100, depth=30.0)
    assert flat.xyz is not None and stepped.xyz is not None
    assert not silhouettes(flat.mask, flat.xyz)[20, 20]
    assert silhouettes(stepped.mask, stepped.xyz)[20, 18:22].all()
    assert not silhouettes(stepped.mask, stepped.xyz)[20, 24]


def test_the_worst_pixel_is_looked_for_away_from_silhouettes() -> None:
    view = square(100)
    view.rgb[8, 8] = 255  # On the outline.
    assert distance(view, square(100).rgb, square(100)).worst == 0
    view.rgb[20, 20] = 130
    assert distance(view, square(100).rgb, square(100)).worst == 30


def test_masks_and_coordinates_that_differ_are_told() -> None:
    view = square(100)
    assert view.xyz is not None
    view.xyz[view.mask] += 1.0
    view.mask[8:20] = False
    found = distance(view, square(100).rgb, square(100))
    assert found.iou == pytest.approx(0.5)
    assert found.xyz_p99 == pytest.approx(np.sqrt(3), abs=1e-5)
