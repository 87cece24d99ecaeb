"""What a request may have added to the templates, and the same views arranged in another way."""

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

VIEWS = 2
OPTIONS = {"resolution": 96, "samples": 2}


@pytest.fixture(scope="module")
def poses(server: Server) -> str:
    np.save(server.folder / "outputs.npy", camera_poses(0)[[9, 20]])
    return str(server.folder / "outputs.npy")


@pytest.fixture(scope="module")
def added(server: Server, poses: str) -> Path:
    """The templates of a CAD with smooth normals, with all that can be added."""
    outputs = ["poses", "rgba", "normals", "depth"]
    job = server.render("knot.ply", "outputs/added", camera_poses_path=poses, outputs=outputs, **OPTIONS)
    assert job["status"] == "succeeded" and not job["cached"] and job["options"]["object_id"] == 1, job
    return Path(job["templates_dir"])


def image(path: Path) -> Any:
    return np.asarray(Image.open(path))


def paths_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_no_consumer_counts_what_is_added(added: Path) -> None:
    assert not check_contract(added, VIEWS)
    assert len(list(added.glob("*.npy"))) == VIEWS and len(list(added.glob("*.png"))) == 2 * VIEWS
    kinds = [f"extra/{kind}_{view}.png" for kind in ("depth", "normals", "rgba") for view in range(VIEWS)]
    assert [path for path in paths_in(added) if "/" in path] == sorted([*kinds, "extra/poses.json"])


def test_depth_normals_and_poses_agree_with_the_coordinates(added: Path) -> None:
    told = json.loads((added / "extra" / "poses.json").read_text())
    for view, entry in enumerate(told["views"]):
        mask, xyz = image(added / f"mask_{view}.png") > 0, np.load(added / f"xyz_{view}.npy").astype(np.float64)
        depth = image(added / "extra" / f"depth_{view}.png")
        assert depth.dtype == np.uint16 and (depth[~mask] == 0).all()
        pose = np.array(entry["m2c"])
        local = xyz[mask] @ pose[:3, :3].T + pose[:3, 3]
        assert np.abs(depth[mask] * told["depth_scale_mm"] - local[:, 2]).max() < 0.2
        seen = (local / local[:, 2:]) @ np.array(entry["K"]).T
        rows, columns = np.nonzero(mask)
        assert np.abs(seen[:, :2] - np.stack([columns, rows], axis=1)).max() < 0.2
        coded = image(added / "extra" / f"normals_{view}.png")
        normals = coded[mask] / 127.5 - 1
        assert (coded[~mask] == 0).all() and np.abs(np.linalg.norm(normals, axis=1) - 1).max() < 0.02
        # Where neighbours lie on one surface, the step between them is across the normal.
        both = mask[:, 1:] & mask[:, :-1]
        whole = np.zeros((*mask.shape, 3))
        whole[mask] = local
        step = (whole[:, 1:] - whole[:, :-1])[both]
        near = np.abs(step[:, 2]) < 2.0
        across = np.einsum("pc,pc->p", step, (coded / 127.5 - 1)[:, 1:][both])[near] / np.linalg.norm(step[near], axis=1)
        assert np.median(np.abs(across)) < 0.1 and (normals[:, 2] < 0.1).mean() > 0.99
        rgba = image(added / "extra" / f"rgba_{view}.png")
        assert np.array_equal(rgba[..., 3] > 0, mask) and np.array_equal(rgba[mask][:, :3], image(added / f"rgb_{view}.png")[mask])
        assert Image.fromarray(rgba).getbbox() == Image.fromarray(rgba[..., 3]).getbbox()


def test_the_default_layout_is_the_same_to_the_byte_and_is_copied(server: Server, poses: str, added: Path) -> None:
    job = server.render("knot.ply", "outputs/plain", camera_poses_path=poses, **OPTIONS)
    folder = Path(job["templates_dir"])
    assert job["status"] == "succeeded" and job["cached"] and "extra" not in [path.name for path in folder.iterdir()]
    for name in set(paths_in(folder)) - {"manifest.json"}:
        assert (folder / name).read_bytes() == (added / name).read_bytes(), name


def test_a_sub_foldered_layout_is_copied_from_the_same_rendering(server: Server, poses: str, added: Path) -> None:
    job = server.render("knot.ply", "outputs/bop", camera_poses_path=poses, layout="bop", object_id=7, **OPTIONS)
    folder = Path(job["templates_dir"])
    assert job["status"] == "succeeded" and job["cached"] and folder == server.folder / "outputs" / "bop" / "000007", job
    kinds = [f"{kind}/{view:06d}{end}.png" for view in range(VIEWS) for kind, end in _BOP_PLACES]
    assert paths_in(folder) == sorted([*kinds, "manifest.json", "scene_camera.json", "scene_gt.json", "scene_gt_info.json"])
    assert (folder / "rgb" / "000001.png").read_bytes() == (added / "rgb_1.png").read_bytes()
    assert (folder / "depth" / "000001.png").read_bytes() == (added / "extra" / "depth_1.png").read_bytes()
    assert [path.name for path in folder.parent.iterdir()] == ["000007"]


_BOP_PLACES = (("rgb", ""), ("depth", ""), ("mask", "_000000"), ("mask_visib", "_000000"))


@pytest.mark.parametrize("layout", ["sam6d", "gigapose"])
def test_a_manifest_is_had_by_the_jobs_id_wherever_it_lies(server: Server, poses: str, layout: str) -> None:
    options = {"resolution": 64} if layout == "sam6d" else {}
    job = server.render("crate.obj", f"outputs/{layout}", camera_poses_path=poses, layout=layout, samples=1, **options)
    assert job["status"] == "succeeded", job
    with server.http() as http:
        manifest = http.get(f"/jobs/{job['job_id']}/manifest").json()
        unknown = http.get("/jobs/no-such-job/manifest")
    assert manifest["job_id"] == job["job_id"] and manifest["layout"] == layout and unknown.status_code == 404
    assert (Path(job["templates_dir"]) / "manifest.json").exists() == (layout == "sam6d")
    listed = {path for view in manifest["views"] for path in view["files"]}
    assert listed == set(paths_in(Path(job["templates_dir"]))) - {"manifest.json"}


def test_images_that_are_there_are_not_rendered_again_for_files_of_other_kinds(server: Server, poses: str) -> None:
    plain = server.render("knot.ply", "outputs/first", camera_poses_path=poses, resolution=88, samples=5)
    more = server.render("knot.ply", "outputs/more", camera_poses_path=poses, outputs=["depth", "rgba"], resolution=88, samples=5)
    log = server.log(more["job_id"])
    assert "images of an earlier rendering are used again" in log and "images of an earlier" not in server.log(plain["job_id"])
    first, second = Path(plain["templates_dir"]), Path(more["templates_dir"])
    for view in range(VIEWS):
        for name in (f"rgb_{view}.png", f"mask_{view}.png", f"xyz_{view}.npy"):
            assert (first / name).read_bytes() == (second / name).read_bytes()
        rgba = image(second / "extra" / f"rgba_{view}.png")
        shown = rgba[..., 3] > 0
        assert shown.any() and np.array_equal(rgba[shown][:, :3], image(first / f"rgb_{view}.png")[shown])
    manifests = [json.loads((folder / "manifest.json").read_text())["views"] for folder in (first, second)]
    assert [[view[name] for name in ("samples", "estimated_error")] for view in manifests[0]] == [
        [view[name] for name in ("samples", "estimated_error")] for view in manifests[1]
    ]
