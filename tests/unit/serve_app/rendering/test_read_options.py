"""How fine a curved surface becomes, by the cameras of a request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serve_app.cad.read_options import ReadOptions
from serve_app.rendering.read_options import read_options_of
from serve_app.rendering.scene import template_scene
from tests.unit.serve_app.made import make_spec

CORNERS = np.array([[-30.0, -20.0, -10.0], [30.0, 20.0, 10.0]])


def of(cad: str = "/in/a.step", **request: Any) -> ReadOptions:
    return read_options_of(make_spec(cad=cad, **request))


def test_a_usual_request() -> None:
    assert of() == ReadOptions((), 475, "normal")
    assert of(resolution=64).pixels_across == 60 and of(resolution=2048).pixels_across == 1897


def test_it_is_what_a_camera_sees_at_most() -> None:
    spec = make_spec(cad="/in/a.step", resolution=640)
    scene = template_scene(spec, CORNERS, np.eye(4)[None])
    radius = np.linalg.norm(CORNERS[1]) * scene.object_to_scene[0, 0]
    nearest = 2 - radius
    assert read_options_of(spec).pixels_across == pytest.approx(2 * radius * scene.intrinsics[0, 0, 0] / nearest, abs=1)


def test_parts_and_tessellation_are_those_of_the_request() -> None:
    assert of(parts=["peg", "base"], tessellation="fine") == ReadOptions(("peg", "base"), 475, "fine")
    assert of("/in/a.glb", parts=["peg"], tessellation="fine") == ReadOptions(("peg",))


@pytest.mark.parametrize(
    ("request_", "pixels"),
    [
        ({"camera": {"K": {"fx": 1000, "fy": 1100, "cx": 320, "cy": 240}, "width": 640, "height": 480}}, 734),
        ({"camera": {"distance_mm": 800}}, 712),
        ({"camera": {"crop": {"size": 224}}}, 896),
        ({"normalize": False}, 1424),
        ({"camera": {"K": {"fx": 1e6, "fy": 1e6, "cx": 320, "cy": 240}, "width": 640, "height": 480}}, 8192),
    ],
)
def test_other_cameras(request_: dict[str, Any], pixels: int) -> None:
    assert of(**request_).pixels_across == pytest.approx(pixels, abs=1)


def test_cameras_of_a_file_that_stand_nearer(tmp_path: Path) -> None:
    poses = np.tile(np.eye(4), (2, 1, 1))
    poses[:, 2, 3] = 1000, 500
    np.save(tmp_path / "poses.npy", poses)
    spec = make_spec(cad="/in/a.step", camera_poses_path="poses.npy", poses_path=tmp_path / "poses.npy")
    assert read_options_of(spec).pixels_across == pytest.approx(3 * 475, abs=3)
