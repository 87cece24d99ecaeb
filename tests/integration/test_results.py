"""What a job has rendered, over real HTTP: while it runs, when it has ended, and when its files are another job's."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from render_actor.contract.cameras import camera_poses
from tests.integration.conftest import Server
from tests.wait import wait_until

SMALL = {"resolution": 64, "samples": 1}


@pytest.fixture(scope="module")
def poses(server: Server) -> str:
    """Three cameras."""
    path = server.folder / "result_poses.npy"
    np.save(path, camera_poses(0)[[8, 33, 20]])
    return str(path)


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with server.http() as client:
        yield client


@pytest.fixture(scope="module")
def finished(server: Server, poses: str) -> dict[str, Any]:
    """A job that has succeeded."""
    return server.render("knot.ply", "results", **SMALL, camera_poses_path=poses)


def image(data: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)


def test_what_a_running_job_has_not_rendered_is_told(server: Server, http: httpx.Client) -> None:
    request: dict[str, Any] = {"resolution": 256, "samples": 200, "colorize": True, "base_color": 0.42}  # Minutes, but for the cancel.
    request |= {"cad_path": str(server.folder / "knot.ply"), "output_dir": str(server.folder / "results_pending")}
    job = http.post("/api/v1/jobs", json=request, headers={"Prefer": "respond-async"}).headers["Location"]
    try:
        wait_until(lambda: http.get(f"{job}/views").json()["rendered"], "the first view")
        *_, pending = (view for view in http.get(f"{job}/views").json()["views"] if view["state"] == "pending")
        not_yet = http.get(f"{job}/views/{pending['index']}/rgb.png")
        assert not_yet.status_code == 404 and not_yet.json()["code"] == "view_not_ready" and not_yet.headers["Retry-After"]
        assert http.get(f"{job}/templates.zip").json()["code"] == "job_not_finished"
        sheet = http.get(f"{job}/contact-sheet.png", params={"columns": 7, "size": 32})
        assert image(sheet.content).shape == (192, 224, 3) and sheet.headers["Cache-Control"] == "private, no-cache"
    finally:
        http.delete(job)


def test_views_are_there_while_the_job_runs(server: Server, http: httpx.Client) -> None:
    path = server.folder / "result_poses_live.npy"
    np.save(path, camera_poses(0)[:12])
    request: dict[str, Any] = {"resolution": 128, "samples": 128, "colorize": True, "base_color": 0.41, "camera_poses_path": str(path)}
    request |= {"cad_path": str(server.folder / "knot.ply"), "output_dir": str(server.folder / "results_live")}
    accepted = http.post("/api/v1/jobs", json=request, headers={"Prefer": "respond-async"})
    assert accepted.status_code == 202
    job = accepted.headers["Location"]

    def some() -> dict[str, Any]:
        views: dict[str, Any] = http.get(f"{job}/views").json()
        return views if views["rendered"] else {}

    views = wait_until(some, "the first view", step=0.05)
    rendered = next(view for view in views["views"] if view["state"] == "rendered")
    early = {name: http.get(path) for name, path in rendered["files"].items()}
    assert {answer.status_code for answer in early.values()} == {200} and image(early["rgb"].content).shape == (128, 128, 3)
    wait_until(lambda: http.get(job).json()["status"] == "succeeded", "the end of the job")
    for name, path in rendered["files"].items():
        assert http.get(path, headers={"If-None-Match": early[name].headers["ETag"]}).status_code == 304
        assert http.get(path).content == early[name].content
    folder = server.folder / "results_live" / "templates"
    assert early["xyz_npy"].content == (folder / f"xyz_{rendered['index']}.npy").read_bytes()


def test_a_finished_job_is_downloaded_whole_and_in_parts(server: Server, http: httpx.Client, finished: dict[str, Any]) -> None:
    url, folder = f"/api/v1/jobs/{finished['job_id']}/templates.zip", server.folder / "results" / "templates"
    whole, head = http.get(url), http.head(url, headers={"Range": "bytes=1-2"})  # A range is of GET alone.
    assert head.status_code == 200
    assert whole.status_code == 200 and int(whole.headers["Content-Length"]) == len(whole.content) == int(head.headers["Content-Length"])
    with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
        assert archive.testzip() is None
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found == {f"templates/{path.name}": path.read_bytes() for path in folder.iterdir()}
    etag = whole.headers["ETag"]
    rest = http.get(url, headers={"Range": "bytes=5000-", "If-Range": etag})
    assert rest.status_code == 206 and rest.content == whole.content[5000:]
    assert rest.headers["Content-Range"] == f"bytes 5000-{len(whole.content) - 1}/{len(whole.content)}"
    assert http.get(url, headers={"Range": "bytes=-100"}).content == whole.content[-100:]
    several, other = http.get(url, headers={"Range": "bytes=0-1,4-5"}), http.get(url, headers={"Range": "bytes=5-", "If-Range": '"other"'})
    assert (several.status_code, several.content) == (other.status_code, other.content) == (200, whole.content)
    assert http.get(url, headers={"If-None-Match": etag}).status_code == 304
    assert http.get(url, headers={"Range": f"bytes={len(whole.content)}-"}).status_code == 416
    assert http.get(url.removeprefix("/api/v1")).content == whole.content
    manifest = http.get(f"/api/v1/jobs/{finished['job_id']}/manifest.json")
    assert manifest.content == (folder / "manifest.json").read_bytes() and manifest.headers["Content-Type"] == "application/json"


def test_poses_depth_and_colours_agree_with_the_coordinates(http: httpx.Client, finished: dict[str, Any]) -> None:
    told = http.get(f"/api/v1/jobs/{finished['job_id']}/views").json()
    low, high = np.array(told["bounds_mm"])
    assert np.allclose(high - low, finished["cad"]["size_mm"])
    for view in told["views"]:
        xyz = np.load(io.BytesIO(http.get(view["files"]["xyz_npy"]).content)).astype(float)
        mask = image(http.get(view["files"]["mask"]).content) > 0
        to_camera = np.linalg.inv(np.array(view["camera_pose"]))
        points = np.c_[xyz[mask], np.ones(mask.sum())] @ to_camera.T
        pixels = points[:, :3] @ np.array(view["K"]).T
        rows, columns = np.nonzero(mask)
        assert np.abs(pixels[:, :2] / pixels[:, 2:] - np.c_[columns, rows]).max() < 0.2
        depth = image(http.get(view["files"]["depth"]).content)
        assert np.abs(depth[mask] * told["depth_scale_mm"] - points[:, 2]).max() < 0.06
        colors = image(http.get(view["files"]["xyz"]).content)[..., ::-1]
        assert np.abs(colors[mask] / 255 * (high - low) + low - xyz[mask]).max() < (high - low).max() / 255 + 0.1
        assert view["flags"] == [] and view["mask_pixels"] == mask.sum()


def test_of_another_layout_coordinates_are_made_of_its_depth(
    server: Server, http: httpx.Client, poses: str, finished: dict[str, Any]
) -> None:
    camera = json.loads((server.folder / "results" / "templates" / "manifest.json").read_text())
    (fx, _, cx), (_, fy, cy), _ = camera["intrinsics"]
    job = server.render(
        "knot.ply",
        "results_bop",
        layout="bop",
        samples=1,
        normalize=True,
        camera={"K": {"fx": fx, "fy": fy, "cx": cx, "cy": cy}, "width": 64, "height": 64, "poses": {"camera_poses_path": poses}},
    )
    for view in range(3):
        made, real = (
            np.load(io.BytesIO(http.get(f"/api/v1/jobs/{job_id}/views/{view}/xyz.npy").content)).astype(float)
            for job_id in (job["job_id"], finished["job_id"])
        )
        mask = (real != -1).any(axis=-1)
        assert np.array_equal(mask, (made != -1).any(axis=-1)) and np.abs(made - real)[mask].max() < 0.2
        assert image(http.get(f"/api/v1/jobs/{job['job_id']}/views/{view}/rgb.png").content).shape == (64, 64, 3)


def test_files_that_are_another_jobs_by_now_are_gone(server: Server, http: httpx.Client, poses: str) -> None:
    first = server.render("flange.stl", "results_twice", **SMALL, camera_poses_path=poses)
    second = server.render("flange.stl", "results_twice", **SMALL, camera_poses_path=poses, colorize=True)
    for path in ("views", "views/0/rgb.png", "contact-sheet.png", "manifest.json", "templates.zip"):
        answers = [http.get(f"/api/v1/jobs/{job['job_id']}/{path}") for job in (first, second)]
        assert [answer.status_code for answer in answers] == [410, 200] and answers[0].json()["code"] == "results_gone", path


def test_jobs_are_found_by_text_and_page_by_page(http: httpx.Client, finished: dict[str, Any]) -> None:
    found = http.get("/api/v1/jobs", params=[("q", "RESULTS"), ("status", "succeeded"), ("status", "failed"), ("limit", "2")]).json()
    assert len(found["jobs"]) == 2 and found["next"] == found["jobs"][-1]["job_id"]
    seen, before = set[str](), None
    while True:
        page = http.get("/api/v1/jobs", params=[("q", "results"), ("limit", "2"), *([("before", before)] if before else [])]).json()
        seen |= {job["job_id"] for job in page["jobs"]}
        if (before := page.get("next")) is None:
            break
    assert len(seen) == page["total"] and finished["job_id"] in seen
