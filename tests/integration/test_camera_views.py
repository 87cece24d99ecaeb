"""Blender sees through any pinhole camera what the matrix says: the lens settings, and Cycles' own pixels."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.integration.camera_views import CAMERAS
from tests.integration.conftest import ROOT
from tests.watched import run_blender


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``camera_views`` finds out, by one process."""
    folder = tmp_path_factory.mktemp("cameras")
    command = [sys.executable, "-m", "tests.integration.camera_views", "2", str(folder)]
    run_blender(command, ROOT)
    read: dict[str, Any] = json.loads((folder / "cameras.json").read_text())
    return read


@pytest.mark.parametrize("name", CAMERAS)
def test_points_are_projected_as_the_matrix_says(found: dict[str, Any], name: str) -> None:
    assert found[name]["pixels"] < 0.01


@pytest.mark.parametrize("name", CAMERAS)
def test_cycles_and_our_rays_see_the_same_in_every_pixel(found: dict[str, Any], name: str) -> None:
    view = found[name]
    assert view["level"] > 0.01  # There is something to agree about.
    assert view["mean"] < 8e-4 and view["rms"] < 1.4 * view["noise"] + 3e-4 and view["largest"] < 0.09, view
