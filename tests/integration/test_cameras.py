"""Requests with a camera of their own: what is rendered, and what the manifest says of it, agree to a hundredth of a pixel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from render_actor.contract.cameras import camera_poses
from serve_app.templates.checker.contract import check_contract
from tests.integration.conftest import Server
from tests.reprojection import check_reprojection

OFF_CENTRE = {"K": [[150, 0, 70.3], [0, 120, 41.9], [0, 0, 1]], "width": 128, "height": 80}
CAMERAS: dict[str, dict[str, Any]] = {
    "not square": OFF_CENTRE,
    "high": {"K": {"fx": 100, "fy": 120, "cx": 28.25, "cy": 61}, "width": 64, "height": 128},
    "at a real distance": {"distance_mm": 180.0, "poses": {"viewpoints": {"fibonacci": 1, "in_plane": 2}}},
    "crop": {"crop": {"size": 96}, "poses": {"viewpoints": {"fibonacci": 2}}},
    "crop at a real distance": {"crop": {"size": 64, "pad": 0.1}, "distance_mm": 150.0, "poses": {"viewpoints": {"fibonacci": 2}}},
}


@pytest.fixture(scope="module")
def two_poses(server: Server) -> str:
    path = server.folder / "two_poses.npy"
    np.save(path, camera_poses(0)[[9, 20]])
    return str(path)


def render(server: Server, name: str, poses: str, camera: dict[str, Any], **options: Any) -> dict[str, Any]:
    if "poses" not in camera:
        options["camera_poses_path"] = poses
    if not {"K", "crop"} & camera.keys():
        options["resolution"] = 96
    return server.render("knot.ply", f"cameras/{name}", camera=camera, samples=2, **options)


@pytest.mark.parametrize("name", CAMERAS)
def test_what_is_seen_is_where_the_manifest_says(server: Server, two_poses: str, name: str) -> None:
    job = render(server, name, two_poses, CAMERAS[name], outputs=["depth"])
    assert job["status"] == "succeeded", job
    folder = Path(job["templates_dir"])
    assert not check_contract(folder)
    assert check_reprojection(folder) == 2
    for view in range(2):
        rgb, mask = (np.asarray(Image.open(folder / f"{kind}_{view}.png")) for kind in ("rgb", "mask"))
        seen = (np.abs(rgb.astype(int) - rgb[0, 0]) > 25).any(axis=-1)
        assert (seen & (mask > 0)).sum() > 0.9 * (seen | (mask > 0)).sum()  # A mirrored or moved image shares less.


def test_a_real_distance_is_in_the_manifest(server: Server, two_poses: str) -> None:
    job = render(server, "distance", two_poses, CAMERAS["at a real distance"])
    manifest = json.loads((Path(job["templates_dir"]) / "manifest.json").read_text())
    poses = np.array(manifest["model_to_camera_mm"])
    assert poses[:, :3, 3] == pytest.approx(np.array([[0, 0, 180.0]] * 2), abs=1e-6) and manifest["options"]["normalize"] is False


@pytest.mark.parametrize(
    ("camera", "field"),
    [
        ({**OFF_CENTRE, "K": [[900, 0, 63.5], [0, 900, 39.5], [0, 0, 1]]}, "camera.K"),
        ({"distance_mm": 60.0}, "camera.distance_mm"),
    ],
)
def test_an_object_that_is_cut_off_is_an_error_that_says_what_to_change(
    server: Server, two_poses: str, camera: dict[str, Any], field: str
) -> None:
    job = render(server, "cut", two_poses, camera)
    error = job["error"]
    assert job["status"] == "failed" and error["code"] in ("view_clipped", "camera_inside_object"), job
    assert error["field"] == field and field in error["detail"]
