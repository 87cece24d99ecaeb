"""STEP, IGES, 3MF, COLLADA and OFF through the whole service, rendered by a real Blender."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from render_actor.contract.cameras import camera_poses
from serve_app.templates.checker.contract import check_contract
from tests.cads.iges import IgesFile
from tests.cads.meshes import MESHES
from tests.cads.step import Prism, StepFile, rectangle
from tests.integration.conftest import Server


@pytest.fixture(scope="module")
def common(server: Server) -> dict[str, Any]:
    np.save(server.folder / "two_poses.npy", camera_poses(0)[[9, 33]])
    return {"camera_poses_path": str(server.folder / "two_poses.npy"), "resolution": 128, "samples": 4}


def rendered(server: Server, name: str, data: bytes, **options: Any) -> tuple[dict[str, Any], Path]:
    (server.folder / name).write_bytes(data)
    job = server.render(name, f"formats/{name}-{len(options)}", **options)
    assert job["status"] == "succeeded", job
    folder = Path(job["templates_dir"])
    assert not check_contract(folder, 2)
    return job, folder


def check_alike(folder: Path, other: Path) -> None:
    for view in range(2):
        masks = [np.asarray(Image.open(place / f"mask_{view}.png")) > 0 for place in (folder, other)]
        maps = [np.load(place / f"xyz_{view}.npy").astype(np.float64) for place in (folder, other)]
        both = masks[0] & masks[1]
        assert both.sum() / (masks[0] | masks[1]).sum() > 0.995
        assert np.percentile(np.linalg.norm(maps[0][both] - maps[1][both], axis=1), 99) < 0.1


@pytest.fixture(scope="module")
def box_of_ply(server: Server, common: dict[str, Any]) -> Path:
    box = trimesh.creation.box(bounds=[[-30, -20, 0], [30, 20, 10]])
    return rendered(server, "box.ply", MESHES[".ply"](box), **common)[1]


@pytest.mark.parametrize("suffix", [suffix for suffix in MESHES if suffix not in (".ply", ".obj", ".stl")])
def test_meshes_give_the_same_templates(suffix: str, server: Server, common: dict[str, Any], box_of_ply: Path) -> None:
    box = trimesh.creation.box(bounds=[[-30, -20, 0], [30, 20, 10]])
    check_alike(rendered(server, f"box{suffix}", MESHES[suffix](box), **common)[1], box_of_ply)


def test_exact_surfaces_give_the_same_templates(server: Server, common: dict[str, Any], box_of_ply: Path) -> None:
    step, iges = StepFile(), IgesFile("cm")
    step.part("box", Prism(rectangle(60, 40), 10))
    iges.box((-3, -2, 0), (3, 2, 1))
    check_alike(rendered(server, "box.step", step.text(), **common)[1], box_of_ply)
    check_alike(rendered(server, "box.IGS", iges.text(), **common)[1], box_of_ply)


def test_an_assembly_in_inches_has_colours_and_parts(server: Server, common: dict[str, Any]) -> None:
    file = StepFile("inch")
    red, blue = (file.part(name, Prism(1.0, 2, color=color)) for name, color in (("red", (0.8, 0.0, 0.0)), ("blue", (0.0, 0.0, 0.8))))
    file.assembly("pair", [(red, (-1, 0, -1), (0, 0, 1), (1, 0, 0)), (blue, (1, 0, -1), (0, 0, 1), (1, 0, 0))])
    _, folder = rendered(server, "pair.stp", file.text(), **common)
    mask, xyz = np.asarray(Image.open(folder / "mask_0.png")) > 0, np.load(folder / "xyz_0.npy")
    left = mask & (xyz[..., 0] < -1)
    rgb = np.asarray(Image.open(folder / "rgb_0.png")).astype(int)
    assert (rgb[left][:, 0] > rgb[left][:, 2] + 40).mean() > 0.95
    right = mask & (xyz[..., 0] > 1)
    assert (rgb[right][:, 2] > rgb[right][:, 0] + 40).mean() > 0.95
    assert np.abs(xyz[mask]).max() == pytest.approx(50.8, abs=0.5)
    _, alone = rendered(server, "pair.stp", file.text(), parts=["blue"], tessellation="fine", **common)
    xyz, mask = np.load(alone / "xyz_0.npy"), np.asarray(Image.open(alone / "mask_0.png")) > 0
    assert xyz[mask][:, 0].min() > -0.5
    refused = server.render("pair.stp", "formats/none", parts=["green"], **common)
    assert refused["status"] == "failed" and refused["error"]["code"] == "cad_part_unknown"
    assert "the CAD has no part 'green'; its parts are 'red', 'blue'" in refused["error"]["detail"]
