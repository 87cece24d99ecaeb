"""Jobs as clients handle them: repeated, canceled, shared, copied from the cache, in each other's way."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from serve_app.jobs.states import JOB_STATES
from tests.integration.conftest import Server
from tests.wait import wait_until

SMALL = {"resolution": 64, "samples": 1}
LONG = {"resolution": 256, "samples": 64}
"""42 views of it take two renderers half a minute, one of them less than the grace time of a cancel."""


def body(server: Server, cad: str, output: str, **options: Any) -> dict[str, Any]:
    return {"cad_path": str(server.folder / cad), "output_dir": str(server.folder / output), **options}


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.name != "manifest.json"}


def test_a_repeated_request_is_copied_and_a_changed_one_is_rendered(server: Server) -> None:
    options = {**SMALL, "samples": 3}
    first = server.render("crate.obj", "cache/first", **options)
    second = server.render("crate.obj", "cache/second", **options)
    assert (first["cached"], second["cached"]) == (False, True)
    assert second["rendered_count"] == second["templates_generated"] == 42
    one, two = Path(first["templates_dir"]), Path(second["templates_dir"])
    assert hashes(one) == hashes(two)
    assert all(path.stat().st_nlink == 1 for path in two.iterdir())
    (two / "rgb_0.png").write_bytes(b"edited by a consumer")
    third = server.render("crate.obj", "cache/third", **options)
    assert third["cached"] and hashes(Path(third["templates_dir"])) == hashes(one)
    manifest = json.loads((Path(third["templates_dir"]) / "manifest.json").read_text())
    assert (
        manifest["cached"]
        and manifest["job_id"] == third["job_id"]
        and manifest["devices"] == ["CPU"]
        and "blender" in manifest["versions"]
    )
    told = [{name: view[name] for name in ("samples", "estimated_error", "error_bound")} for view in manifest["views"]]
    assert told == [{"samples": 3, "estimated_error": None, "error_bound": None}] * 42
    assert not server.render("crate.obj", "cache/third", **options, colorize=True)["cached"]

    copy = server.folder / "textured"
    copy.mkdir()
    for name in ("crate.obj", "crate.mtl", "crate.png"):
        shutil.copy(server.folder / name, copy)
    assert server.render("textured/crate.obj", "cache/moved", **options)["cached"]
    pixels = np.asarray(Image.open(copy / "crate.png").convert("RGB"))
    Image.fromarray(255 - pixels).save(copy / "crate.png")
    changed = server.render("textured/crate.obj", "cache/texture", **options)
    assert not changed["cached"] and hashes(Path(changed["templates_dir"])) != hashes(one)


def test_identical_requests_at_the_same_time_share_one_rendering(server: Server) -> None:
    jobs: list[dict[str, Any]] = []
    options = {"resolution": 96, "samples": 7}
    threads = [
        threading.Thread(target=lambda number=number: jobs.append(server.render("flange.stl", f"share/{number % 3}", **options)))
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [job["status"] for job in jobs] == ["succeeded"] * 4
    assert sum(not job["cached"] for job in jobs) == 1
    folders = [hashes(server.folder / f"share/{number}/templates") for number in range(3)]
    assert folders[0] == folders[1] == folders[2] and len(folders[0]) == 126
    assert sorted(os.listdir(server.folder / "share/0")) == ["templates"]


def test_a_running_job_is_canceled_and_leaves_nothing(server: Server) -> None:
    with server.http() as http:
        job_id = http.post("/render/templates", json=body(server, "knot.ply", "canceled", **LONG)).json()["job_id"]
        server.wait_for_views(job_id, 2)
        waiting: list[dict[str, Any]] = []
        answers = [http.delete(f"/jobs/{job_id}") for _ in range(3)]
        waiting.append(http.get(f"/jobs/{job_id}").json())
        for job in [answer.json() for answer in answers] + waiting:
            assert job["status"] == "canceled" and job["success"] is False and job["returncode"] == 130 and job["ended_at"]
            assert job["error"]["code"] == "canceled"
        assert not (server.folder / "canceled").exists()
        listed = http.get("/jobs", params={"status": "canceled", "limit": 1000}).json()["jobs"]
        assert job_id in {job["job_id"] for job in listed} and {job["status"] for job in listed} == {"canceled"}
        assert http.delete("/jobs/unknown").status_code == 404
    assert server.render("crate.obj", "canceled", **SMALL)["status"] == "succeeded"
    with server.http() as http:
        done = server.render("crate.obj", "canceled", **SMALL)["job_id"]
        assert http.delete(f"/jobs/{done}").json()["status"] == "succeeded"


def test_a_view_that_takes_for_ever_is_stopped_with_its_renderer(server: Server) -> None:
    with server.http() as http:
        request = body(server, "knot.ply", "endless", resolution=2048, samples=4096, camera_poses_path=str(one_pose(server.folder)))
        job_id = http.post("/render/templates", json=request).json()["job_id"]
        wait_until(lambda: renderer_states(server).count("busy"), lambda: server.job(job_id))
        assert http.delete(f"/jobs/{job_id}").json()["status"] == "canceled"
    # The renderer that was at it is killed after the grace time, and its successor serves the next job.
    assert server.render("crate.obj", "after-endless", **SMALL)["status"] == "succeeded"


def renderer_states(server: Server) -> list[str]:
    with server.http() as http:
        return [renderer["state"] for renderer in http.get("/api/v1/status").json()["renderers"]]


def one_pose(folder: Path) -> Path:
    from render_actor.contract.cameras import camera_poses

    path = folder / "one.npy"
    np.save(path, camera_poses(0)[:1])
    return path


def test_a_repeated_post_with_a_key_is_one_job(server: Server) -> None:
    request = body(server, "crate.obj", "keyed", **SMALL)
    headers = {"Idempotency-Key": "order-66"}
    with server.http() as http:
        ids = {http.post("/render/templates", json=request, headers=headers).json()["job_id"] for _ in range(5)}
        assert len(ids) == 1
        ended = http.post("/render/templates", json=request, headers=headers, params={"wait": "true"}).json()
        assert {ended["job_id"]} == ids and ended["status"] == "succeeded"
        again = http.post("/render/templates", json=request, headers=headers).json()
        assert again == {"job_id": ended["job_id"], "status": "succeeded"}
        result = http.post("/api/v1/render-templates", json=request, headers=headers).json()
        assert result["job_id"] == ended["job_id"] and result["success"] is True
        other = http.post("/render/templates", json={**request, "samples": 2}, headers=headers)
        assert other.status_code == 409 and other.json()["code"] == "idempotency_conflict"
        assert http.post("/render/templates", json=request, headers={"Idempotency-Key": "a b"}).status_code == 422


def test_a_client_may_choose_the_id(server: Server) -> None:
    request = body(server, "crate.obj", "chosen", **SMALL)
    with server.http() as http:
        assert http.put("/jobs/part-17", json=request).json()["job_id"] == "part-17"
        ended = http.put("/jobs/part-17", json=request, params={"wait": "true"}).json()
        assert ended["status"] == "succeeded" and http.get("/jobs/part-17").json()["status"] == "succeeded"
        assert http.put("/jobs/part-17", json={**request, "samples": 2}).json()["code"] == "idempotency_conflict"
        for bad in ("..%2Fup", "-dash", "x" * 65, "sp%20ace"):
            assert http.put(f"/jobs/{bad}", json=request).status_code in (404, 405, 422)


def test_a_folder_that_is_being_written_takes_no_other_rendering(server: Server) -> None:
    with server.http() as http:
        first = http.post("/render/templates", json=body(server, "knot.ply", "busy", **LONG)).json()["job_id"]
        other = http.post("/render/templates", json=body(server, "crate.obj", "busy", **LONG))
        assert other.status_code == 409 and other.json()["code"] == "output_busy" and first in other.json()["detail"]
        assert int(other.headers["Retry-After"]) > 0
        same = http.post("/render/templates", json=body(server, "knot.ply", "busy", **LONG))
        assert same.status_code == 200
        for job_id in (first, same.json()["job_id"]):
            assert http.delete(f"/jobs/{job_id}").json()["status"] == "canceled"


def test_one_part_behind_a_batch_is_not_kept_waiting(server: Server) -> None:
    options = {"resolution": 128, "samples": 4}
    items = [body(server, "flange.stl", f"fair/{number}", base_color=round(0.2 + number / 100, 2), colorize=True) for number in range(20)]

    def send() -> None:
        with server.http() as http:
            http.post("/api/v1/render-templates-batch", json={"items": items, "defaults": options})

    def jobs(*states: str) -> list[dict[str, Any]]:
        """The batch's jobs, of some states."""
        with server.http() as http:
            listed = [job for status in states for job in http.get("/jobs", params={"status": status, "limit": 1000}).json()["jobs"]]
        return [job for job in listed if "/fair/" in job["output_dir"] and not job["output_dir"].endswith("/behind")]

    def left() -> list[str]:
        return [job["job_id"] for job in jobs("queued", "running")]

    batch = threading.Thread(target=send)
    batch.start()
    try:
        wait_until(lambda: len(left()) > len(items) / 2, left)
        behind = server.render("crate.obj", "fair/behind", **options, base_color=0.12, colorize=True)
        assert behind["status"] == "succeeded" and behind["ended_at"]
        # What counts is the order, not the seconds: it gets one renderer in turn with the batch, of which few jobs end meanwhile.
        meanwhile = [job for job in jobs("succeeded") if behind["created_at"] < job["ended_at"] < behind["ended_at"]]
        assert len(meanwhile) < len(items) / 2, meanwhile
    finally:
        with server.http() as http:
            for job_id in left():
                http.delete(f"/jobs/{job_id}")
        batch.join()


def test_jobs_are_listed_by_every_state_and_by_no_other(server: Server) -> None:
    ended = server.render("crate.obj", "listed", **SMALL)["job_id"]
    with server.http() as http:
        for status in JOB_STATES:
            listed = http.get("/jobs", params={"status": status, "limit": 1000}).json()["jobs"]
            assert {job["status"] for job in listed} <= {status}
            assert (ended in {job["job_id"] for job in listed}) == (status == "succeeded")
        assert http.get("/jobs", params={"status": "lost"}).status_code == 422


def test_several_jobs_are_canceled_by_one_request(server: Server) -> None:
    ids = [f"together-{number}" for number in range(6)]
    with server.http() as http:
        for number, job_id in enumerate(ids):
            http.put(f"/jobs/{job_id}", json=body(server, "knot.ply", f"together/{number}", **LONG, priority="batch")).raise_for_status()
        answer = http.post("/api/v1/jobs/cancel", json={"job_ids": [*ids, "never-was"]}).json()
        assert answer["canceled"] == len(ids)
        assert [result.get("status") for result in answer["results"]] == ["canceled"] * len(ids) + [None]
        assert answer["results"][-1]["error"]["code"] == "job_not_found"
        assert {http.get(f"/jobs/{job_id}").json()["status"] for job_id in ids} == {"canceled"}
    # The folder above is its maker's to remove, unless others still work in it then.
    assert not list((server.folder / "together").rglob("*"))
