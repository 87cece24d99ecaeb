"""The templates themselves: what a real Blender made, through the whole service."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image

from render_actor.contract.cameras import camera_poses
from render_actor.contract.view_files import file_names
from serve_app.templates.checker.contract import check_contract
from tests.integration.conftest import ROOT, Server
from tests.integration.dae_looks import write_looks as write_dae_looks
from tests.integration.gltf_looks import LOOKS, SHORT, write_looks

REFERENCE_CADS = ROOT.parent / "shared" / "reference" / "cads"


def read(folder: Path, view: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """RGB, mask and xyz of a view."""
    rgb, mask, xyz = file_names(view)
    return np.asarray(Image.open(folder / rgb)), np.asarray(Image.open(folder / mask)), np.load(folder / xyz, allow_pickle=False)


def manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content


@pytest.fixture(scope="module")
def poses(server: Server) -> str:
    path = server.folder / "four_poses.npy"
    np.save(path, camera_poses(0)[[1, 9, 20, 33]])
    return str(path)


def test_every_file_is_in_the_manifest_with_its_hash(server: Server, poses: str) -> None:
    job = server.render("crate.obj", "hashes", camera_poses_path=poses, resolution=128)
    folder = Path(job["templates_dir"])
    content = manifest(folder)
    listed = {name: entry for view in content["views"] for name, entry in view["files"].items()}
    assert set(listed) == {path.name for path in folder.iterdir()} - {"manifest.json"}
    for name, entry in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == entry["sha256"]
    assert len(content["camera_to_scene"]) == 4 and content["devices"] == ["CPU"] and content["versions"]["blender"].startswith("4.5")
    assert content["intrinsics"][0][2] == 63.5 and content["cad"]["references"].keys() == {"crate.mtl", "crate.png"}


@pytest.mark.parametrize("resolution", [97, 200])
def test_resolutions_that_are_no_power_of_two_are_rendered(server: Server, resolution: int) -> None:
    """Of their fractions of an image many are not exact: a border came out one pixel smaller than what was meant."""
    job = server.render("flange.stl", f"resolution-{resolution}", resolution=resolution, samples=1)
    assert job["status"] == "succeeded" and not check_contract(Path(job["templates_dir"]), 42), job


def test_the_same_request_gives_the_same_files_and_loads_its_cad_once_a_renderer(server: Server) -> None:
    cad = (server.folder / "knot.ply").read_bytes().replace(b"ply\n", b"ply\ncomment of this test alone\n", 1)
    (server.folder / "own_knot.ply").write_bytes(cad)
    np.save(server.folder / "eight_poses.npy", camera_poses(0)[::5][:8])
    eight = str(server.folder / "eight_poses.npy")
    hashes = []
    loads = 0
    for number in range(3):
        # Nothing may come from the cache: the second and third are to be rendered.
        for kept in (server.folder / "data" / "cache").iterdir():
            shutil.rmtree(kept)
        job = server.render("own_knot.ply", f"same_{number}", camera_poses_path=eight, resolution=96)
        assert job["status"] == "succeeded" and not job["cached"], job
        views = manifest(Path(job["templates_dir"]))["views"]
        hashes.append({name: entry["sha256"] for view in views for name, entry in view["files"].items()})
        loads += server.log(job["job_id"]).count("mesh loaded into Blender")
    assert hashes[0] == hashes[1] == hashes[2] and len(hashes[0]) == 8 * 3
    with server.http() as http:
        assert 1 <= loads <= len(http.get("/api/v1/status").json()["renderers"])


def test_all_formats_of_one_shape_give_the_same_masks_and_xyz(server: Server, poses: str) -> None:
    mesh = trimesh.load(server.folder / "flange.stl", force="mesh")
    mesh.export(server.folder / "same_shape.ply")
    mesh.export(server.folder / "same_shape.obj")
    folders = [
        Path(server.render(cad, f"formats/{cad}", camera_poses_path=poses, resolution=128)["templates_dir"])
        for cad in ("flange.stl", "same_shape.ply", "same_shape.obj")
    ]
    for view in range(4):
        _, mask, xyz = read(folders[0], view)
        for other in folders[1:]:
            _, other_mask, other_xyz = read(other, view)
            assert ((mask > 0) ^ (other_mask > 0)).sum() <= 2
            both = (mask > 0) & (other_mask > 0)
            assert np.abs(xyz[both].astype(np.float32) - other_xyz[both]).max() < 0.1


def test_colours_textures_and_greys_arrive_in_the_picture(server: Server, poses: str) -> None:
    knot = Path(server.render("knot.ply", "look/knot", camera_poses_path=poses, resolution=128)["templates_dir"])
    crate = Path(server.render("crate.obj", "look/crate", camera_poses_path=poses, resolution=128)["templates_dir"])
    grey_job = server.render("flange.stl", "look/flange", camera_poses_path=poses, resolution=128)
    painted = Path(
        server.render("knot.ply", "look/painted", camera_poses_path=poses, resolution=128, colorize=True, base_color=0.3)["templates_dir"]
    )

    def saturation(folder: Path) -> float:
        rgb, mask, _ = read(folder, 1)
        inside = rgb[mask > 0].astype(int)
        return float((inside.max(axis=1) - inside.min(axis=1)).mean())

    assert saturation(knot) > 60 and saturation(crate) > 60
    assert saturation(Path(grey_job["templates_dir"])) < 3 and saturation(painted) < 3
    assert any("neutral grey" in warning for warning in grey_job["warnings"])
    rgb, mask, _ = read(Path(grey_job["templates_dir"]), 1)
    assert rgb[mask > 0].mean() > 100


def test_options_change_what_they_say(server: Server, poses: str) -> None:
    mesh = trimesh.load(server.folder / "flange.stl", force="mesh")
    far, metres = mesh.copy(), mesh.copy()
    far.apply_translation((1000.0, 0.0, 0.0))
    far.export(server.folder / "far.stl")
    metres.apply_scale(0.001)
    metres.export(server.folder / "metres.stl")
    common = {"camera_poses_path": poses, "resolution": 64, "samples": 1}

    centred = server.render("far.stl", "options/far", recenter=True, **common)
    _, mask, xyz = read(Path(centred["templates_dir"]), 2)
    assert xyz[mask > 0][:, 0].astype(np.float32).min() > 950

    warned = server.render("metres.stl", "options/warned", **common)
    assert any("unit=m" in warning for warning in warned["warnings"])
    scaled = server.render("metres.stl", "options/metres", unit="m", **common)
    assert scaled["warnings"] == [warning for warning in warned["warnings"] if "unit=m" not in warning]
    plain = server.render("flange.stl", "options/plain", **common)
    _, mask, xyz = read(Path(scaled["templates_dir"]), 1)
    _, plain_mask, plain_xyz = read(Path(plain["templates_dir"]), 1)
    assert np.array_equal(mask, plain_mask) and np.abs(xyz.astype(np.float32) - plain_xyz).max() < 0.1

    cad_axes = server.render("crate.obj", "options/cad_axes", **common)
    blender_axes = server.render("crate.obj", "options/blender_axes", obj_axes="blender", **common)
    _, first, xyz = read(Path(cad_axes["templates_dir"]), 2)
    _, second, turned = read(Path(blender_axes["templates_dir"]), 2)
    assert not np.array_equal(first, second)
    for mask, coordinates in ((first, xyz), (second, turned)):
        assert (np.abs(coordinates[mask > 0].astype(np.float32)).max(axis=0) <= np.array([37, 27, 20]) + 0.1).all()


def test_files_may_go_into_output_dir_itself(server: Server, poses: str) -> None:
    job = server.render("flange.stl", "flat/templates_here", templates_subfolder=False, camera_poses_path=poses, resolution=64, samples=1)
    assert job["templates_dir"] == str(server.folder / "flat" / "templates_here")
    assert len(os.listdir(job["templates_dir"])) == 13


def test_more_views(server: Server) -> None:
    job = server.render("crate.obj", "level1", level=1, resolution=64, samples=1)
    assert job["templates_generated"] == 162 and len(manifest(Path(job["templates_dir"]))["views"]) == 162


def test_a_changed_texture_is_seen(server: Server, poses: str) -> None:
    folder = server.folder / "repaint"
    folder.mkdir()
    for name in ("crate.obj", "crate.mtl", "crate.png"):
        shutil.copy(server.folder / name, folder)
    common = {"camera_poses_path": poses, "resolution": 64, "samples": 4}
    before, _, _ = read(Path(server.render("repaint/crate.obj", "repaint/a", **common)["templates_dir"]), 2)
    Image.new("RGB", (8, 8), (0, 0, 255)).save(folder / "crate.png")
    after, mask, _ = read(Path(server.render("repaint/crate.obj", "repaint/b", **common)["templates_dir"]), 2)
    assert np.abs(after.astype(int) - before).mean() > 2
    assert after[mask > 0][:, 2].mean() > after[mask > 0][:, 0].mean() + 30


def test_our_meshes_look_as_blenders_own_import_does(server: Server, tmp_path: Path) -> None:
    """Colours, normals, materials, textures and shading: the same picture as from the stock script's loader, or Blender's own."""
    Image.fromarray(np.random.default_rng(3).integers(60, 255, (16, 16, 4), dtype=np.uint8)).save(tmp_path / "map.png")
    looks = {
        "shiny": ("Kd 0.7 0.2 0.1\nKs 0.5 0.5 0.5\nNs 300\n", "Kd 0.1 0.6 0.2\nKs 0.9 0.9 0.9\n"),
        "mapped": ("map_Kd map.png\nmap_Ks map.png\nmap_Ns map.png\n", "Kd 0.2 0.2 0.9\nmap_Bump -bm 0.5 map.png\n"),
        "glowing": ("Kd 0.2 0.2 0.2\nKe 0.1 0.3 0.1\n", "Kd 0.5 0.5 0.5\nTr 0.7\nPr 0.4\n"),
    }
    crate = (server.folder / "crate.obj").read_text().replace("usemtl body", "usemtl a").replace("usemtl lid", "usemtl b")
    for name, (a, b) in looks.items():
        (tmp_path / f"{name}.mtl").write_text(f"newmtl a\n{a}newmtl b\n{b}")
        (tmp_path / f"{name}.obj").write_text(crate.replace("crate.mtl", f"{name}.mtl"))
    cads = [str(server.folder / name) for name in ("knot.ply", "flange.stl", "crate.obj")] + [
        str(tmp_path / f"{name}.obj") for name in looks
    ]
    full = bool(os.environ.get("RENDER_LIKENESS_FULL"))
    cads += map(str, write_looks(tmp_path, LOOKS | SHORT if full else SHORT))
    (tmp_path / "dae").mkdir()
    cads += map(str, write_dae_looks(tmp_path / "dae", () if full else ("polygons", "shiny")))
    cads += map(str, sorted(REFERENCE_CADS.glob("*.glb")))  # Where they are.
    command = [sys.executable, "-m", "tests.integration.import_likeness", *cads]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    scores = {line.split()[0]: float(line.split()[1]) for line in done.stderr.splitlines()[-len(cads) :]}
    assert set(scores) == {Path(cad).name for cad in cads}
    assert min(scores.values()) > 50, scores
