"""What clients of the older server read of its answers, as they read it."""

from __future__ import annotations

import time
import tomllib
import uuid
from typing import Any

import httpx
import numpy as np
import pytest

from render_actor.contract.cameras import camera_poses
from tests.integration.conftest import ROOT, Server


@pytest.fixture(scope="module")
def poses(server: Server) -> str:
    """A pose list of one camera, so that a job is short."""
    path = server.folder / "older_pose.npy"
    np.save(path, camera_poses(0)[[8]])
    return str(path)


def body(server: Server, poses: str, cad: str, output: str, **options: Any) -> dict[str, Any]:
    paths = {"cad_path": str(server.folder / cad), "output_dir": str(server.folder / "older" / output), "camera_poses_path": poses}
    return {**paths, "resolution": 64, "samples": 1, **options}


def poll(http: httpx.Client, job_id: str) -> dict[str, Any]:
    """Follow a job as the older clients do."""
    until = time.monotonic() + 120
    while True:
        job: dict[str, Any] = http.get(f"/jobs/{job_id}").json()
        assert time.time() - job["created_at"] >= -0.01
        if job["status"] in ("succeeded", "failed", "timeout"):
            return job
        assert job["status"] in ("queued", "running") and not {"ended_at", "returncode", "error"} & set(job)
        assert ("started_at" in job) == (job["status"] == "running")
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_client_that_polls(server: Server, poses: str) -> None:
    with server.http() as http:
        accepted = http.post("/render/templates", json=body(server, poses, "flange.stl", "polled")).json()
        assert accepted["status"] == "queued" and str(uuid.UUID(accepted["job_id"])) == accepted["job_id"]
        job = poll(http, accepted["job_id"])
    assert job["status"] == "succeeded" and job["returncode"] == 0 and "error" not in job
    assert 0 <= time.time() - job["created_at"] < 3600 and job["created_at"] <= job["started_at"] <= job["ended_at"]
    assert float(f"{job['elapsed_sec']:.3f}") == job["elapsed_sec"] > 0
    assert job["log_path"].endswith(f"{job['job_id']}.log")


def test_a_client_that_polls_a_job_that_fails(server: Server, poses: str) -> None:
    (server.folder / "torn.stl").write_bytes(b"solid torn\nfacet normal 0 0 1\n")
    with server.http() as http:
        job = poll(http, http.post("/render/templates", json=body(server, poses, "torn.stl", "failed")).json()["job_id"])
    assert job["status"] == "failed" and job["returncode"] != 0 and "error" in job
    assert f"{job['elapsed_sec']:.3f}" and job["ended_at"] >= job["started_at"]


def test_a_client_that_waits(server: Server, poses: str) -> None:
    with server.http() as http:
        answer = http.post(
            "/render/templates",
            params={"wait": "true", "wait_timeout_sec": 1800},
            json=body(server, poses, "flange.stl", "waited", colorize=True),
        ).json()
    assert answer["status"] == "succeeded" and answer.get("success") and answer.get("templates_generated") == 1
    assert f"{answer.get('processing_time', 0):.3f}" != "0.000" and answer.get("error_message", "none") == "none"


@pytest.mark.parametrize("limit", ["0", "-1", "0.05"])
def test_a_client_whose_wait_times_out(server: Server, poses: str, limit: str) -> None:
    # A rendering of its own for each: a copy from the cache may be in time.
    request = body(server, poses, "knot.ply", f"timed_out{limit}", resolution=512, samples=16 + len(limit))
    with server.http() as http:
        answer = http.post("/render/templates", params={"wait": "true", "wait_timeout_sec": limit}, json=request).json()
        assert answer["status"] == "timeout" and "error" not in answer
        assert abs(time.time() - answer["ended_at"]) < 60 and f"{answer['elapsed_sec']:.3f}"
        assert poll(http, answer["job_id"])["status"] == "succeeded"


def test_a_client_of_v1(server: Server, poses: str) -> None:
    with server.http() as http:
        answer = http.post("/api/v1/render-templates", json=body(server, poses, "flange.stl", "v1")).json()
        assert answer["success"] and answer["output_dir"].endswith("/templates")
        assert float(f"{answer['rendering_time']:.3f}") == answer["rendering_time"] > 0
        status = http.get("/api/v1/status").json()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert status["server"] == "running" and status["version"] == project["version"] == "1.0.0"


def test_a_client_that_asks_for_health(server: Server) -> None:
    with server.http() as http:
        answer = http.get("/health").json()
    assert (answer["status"], answer["message"]) == ("healthy", "Render Server is running")
    assert isinstance(answer["timestamp"], float) and abs(time.time() - answer["timestamp"]) < 60


def test_a_client_that_asks_for_an_unknown_job(server: Server) -> None:
    with server.http() as http:
        answer = http.get(f"/jobs/{uuid.uuid4()}")
    assert answer.status_code == 404 and answer.json()["detail"] == "job not found"
