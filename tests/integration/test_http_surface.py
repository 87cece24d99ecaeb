"""Every endpoint that the older server's clients use, over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import psutil
import pytest

from render_actor.contract.cameras import camera_poses
from tests.integration.conftest import Server
from tests.wait import wait_until

SMALL = {"resolution": 64, "samples": 1}


@pytest.fixture(scope="module")
def two_poses(server: Server) -> str:
    """A pose list of two cameras, so that a job is short."""
    path = server.folder / "two_poses.npy"
    np.save(path, camera_poses(0)[[8, 33]])
    return str(path)


def body(server: Server, cad: str, output: str, **options: Any) -> dict[str, Any]:
    return {"cad_path": str(server.folder / cad), "output_dir": str(server.folder / output), **SMALL, **options}


def ended(http: httpx.Client, job_id: str) -> dict[str, Any]:
    """A job, once it has ended."""

    def job_that_ended() -> dict[str, Any]:
        job: dict[str, Any] = http.get(f"/jobs/{job_id}").json()
        return job if "ended_at" in job else {}

    return wait_until(job_that_ended, f"the end of job {job_id}")


def test_health(server: Server) -> None:
    with server.http() as http:
        answer = http.get("/health").json()
    assert answer["status"] == "healthy" and answer["message"] and answer["timestamp"]


def test_ready(server: Server) -> None:
    with server.http() as http:
        answer, head = http.get("/ready"), http.head("/ready")
        # Serve's own, which says nothing of renderers, stays as it is.
        assert http.get("/-/healthz").status_code == 200
    assert answer.status_code == 200 and answer.json()["status"] == "ready" and head.status_code == 200


def test_a_server_that_renders_is_ready(server: Server, two_poses: str) -> None:
    with server.http() as http:
        # A look of its own: later tests must not find its templates in the cache.
        request = body(server, "knot.ply", "ready", camera_poses_path=two_poses, colorize=True, base_color=0.31)
        job_id = http.post("/render/templates", json=request).json()["job_id"]
        seen = []

        def asked_until_ended() -> bool:
            seen.append(http.get("/ready").status_code)
            return http.get(f"/jobs/{job_id}").json()["status"] not in ("queued", "running")

        wait_until(asked_until_ended, "the end of the job")
    assert set(seen) == {200}


def test_every_answer_has_the_requests_id(server: Server) -> None:
    asked = [
        "GET /health",
        "HEAD /ready",
        "GET /jobs/none",
        "GET /none",
        "PUT /jobs",
        "POST /render/templates",
        "GET /docs",
        "GET /-/healthz",
    ]
    with server.http() as http:
        for number, (method, path) in enumerate(words.split() for words in asked):
            answer = http.request(method, path, headers={"X-Request-Id": f"client-1/{number}"})
            assert answer.headers.get_list("X-Request-Id") == [f"client-1/{number}"], path
        for given in (None, b"two words", b"\xff", b"x" * 129):
            answer = http.get("/jobs", headers=[] if given is None else [(b"X-Request-Id", given)])
            (made,) = answer.headers.get_list("X-Request-Id")
            assert answer.status_code == 200 and str(uuid.UUID(made)) == made
        too_large = http.get("/jobs", headers={"X-Large": "x" * 40_000, "X-Request-Id": "large"})
    assert too_large.status_code == 431 and too_large.headers.get_list("X-Request-Id") == ["large"]


def test_a_jobs_log_names_the_request_that_made_it(server: Server, two_poses: str) -> None:
    request = body(server, "flange.stl", "named", camera_poses_path=two_poses, colorize=True, base_color=0.32)
    with server.http() as http:
        given = http.post("/render/templates", params={"wait": "true"}, json=request, headers={"X-Request-Id": "part=42"})
        made = http.post("/api/v1/render-templates", json={**request, "output_dir": str(server.folder / "named_2")})
    for answer, request_id in ((given, '"part=42"'), (made, made.headers["X-Request-Id"])):
        lines = server.log(answer.json()["job_id"]).splitlines()
        assert len(lines) > 2 and all(f" request_id={request_id}" in line for line in lines)
        console_names(server, f"job_id={answer.json()['job_id']} request_id={request_id}")


def console_names(server: Server, text: str) -> None:
    """Wait for it: Ray brings the lines of its processes to the console a little later."""
    console = server.folder / "server.log"
    wait_until(lambda: text in console.read_text(), lambda: f"{text} in {console.read_text()[-4000:]}", seconds=60)


def test_status(server: Server) -> None:
    with server.http() as http:
        answer = http.get("/api/v1/status").json()
    assert answer["server"] == "running" and answer["renderer_ready"] is True
    assert answer["uptime"] > 0 and answer["version"]
    renderer = answer["renderers"][0]
    assert renderer["device"] == "CPU" and psutil.pid_exists(renderer["pid"]) and renderer["memory_bytes"] > 50_000_000
    # One of its own; or all, where Blenders of another server on this machine have them.
    assert len(renderer["cores"]) in (1, len(psutil.Process().cpu_affinity()))
    assert answer["machine"]["cpu_count"] > 0 and answer["machine"]["disk_free_bytes"][str(server.folder)] > 0


def processes_of(server: Server) -> Iterator[tuple[psutil.Process, str]]:
    """Its processes, and what each is called."""
    for process in psutil.Process(server.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):  # It has just ended.
            yield process, " ".join(process.cmdline())


def test_who_answers_comes_before_who_renders(server: Server) -> None:
    """They share the cores; otherwise `/health` waits behind path tracing."""
    with server.http() as http:
        renderers = [psutil.Process(renderer["pid"]) for renderer in http.get("/api/v1/status").json()["renderers"]]
    serving = [process for process, words in processes_of(server) if any(name in words for name in ("Ingress", "ProxyActor"))]
    assert len(serving) == 2 and renderers
    # 19 is as nice as a process can be, where the tests themselves are nice.
    assert min(renderer.nice() for renderer in renderers) >= min(19, max(process.nice() for process in serving) + 10)


def test_a_job_from_queued_to_its_files(server: Server, two_poses: str) -> None:
    with server.http() as http:
        accepted = http.post("/render/templates", json=body(server, "knot.ply", "async", camera_poses_path=two_poses)).json()
        assert set(accepted) == {"job_id", "status"} and accepted["status"] == "queued"
        job = ended(http, accepted["job_id"])
        listed = http.get("/jobs", params={"status": "succeeded", "limit": 1}).json()
    assert job["status"] == "succeeded" and job["returncode"] == 0 and job["success"] is True
    assert job["rendered_count"] == job["templates_generated"] == job["total_poses"] == 2
    assert set(job["view_seconds"]) == {"0", "1"} and job["elapsed_sec"] > 0 and job["processing_time"] > 0
    assert job["created_at"] <= job["started_at"] <= job["ended_at"] and "error" not in job and "error_message" not in job
    assert listed["jobs"][0]["job_id"] == accepted["job_id"]
    files = sorted(path.name for path in (server.folder / "async" / "templates").iterdir())
    assert files == ["manifest.json", "mask_0.png", "mask_1.png", "rgb_0.png", "rgb_1.png", "xyz_0.npy", "xyz_1.npy"]
    log = (server.folder / job["log_path"]).read_text()  # Its RENDER_LOG_DIR is called `logs`, too.
    assert log == server.log(accepted["job_id"])
    for words in ("job accepted", "CAD loaded", "view rendered", "job succeeded"):
        assert words in log


def test_a_large_answer_comes_whole(server: Server, two_poses: str) -> None:
    """On its way through Serve it is one message."""
    job = server.render("knot.ply", "large_answer", **SMALL, camera_poses_path=two_poses)
    log = server.folder / job["log_path"]
    log.write_text(log.read_text() + "x" * 20_000_000)
    assert server.log(job["job_id"]) == log.read_text()


def test_a_wait_that_times_out_leaves_the_job_running(server: Server) -> None:
    request = body(server, "knot.ply", "slow", samples=2)
    with server.http() as http:
        answer = http.post("/render/templates", params={"wait": "true", "wait_timeout_sec": 0.2}, json=request).json()
        assert answer["status"] == "timeout" and answer["job_id"]
        job = ended(http, answer["job_id"])
    assert job["status"] == "succeeded" and job["templates_generated"] == 42


def test_a_client_that_hangs_up_does_not_end_its_job(server: Server, two_poses: str) -> None:
    request = json.dumps(body(server, "knot.ply", "hung_up", camera_poses_path=two_poses, resolution=256, samples=32))
    url = httpx.URL(server.url)
    with socket.create_connection((url.host, url.port or 80)) as connection, server.http() as http:
        head = f"PUT /jobs/hung-up?wait=true HTTP/1.1\r\nHost: {url.host}\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: {len(request)}\r\n\r\n{request}".encode())
        wait_until(lambda: http.get("/jobs/hung-up").is_success, "its job")
    wait_until((server.folder / "hung_up" / "templates").exists, "the templates of a client that hung up")


def test_v1_answers_when_done(server: Server, two_poses: str) -> None:
    request = body(server, "flange.stl", "v1", camera_poses_path=two_poses, colorize=True, base_color=0.2)
    with server.http() as http:
        answer = http.post("/api/v1/render-templates", json=request).json()
    assert answer["success"] is True and answer["total_poses"] == answer["rendered_count"] == 2
    assert answer["output_dir"] == str(server.folder / "v1" / "templates") and answer["cad_path"] == request["cad_path"]
    assert (answer["normalize"], answer["colorize"], answer["base_color"]) == (True, True, 0.2) and answer["rendering_time"] > 0


def test_an_item_of_a_batch_fails_alone(server: Server, two_poses: str) -> None:
    items = [
        {"cad_path": str(server.folder / "knot.ply"), "output_dir": str(server.folder / "batch" / "a")},
        {"cad_path": str(server.folder / "missing.ply"), "output_dir": str(server.folder / "batch" / "b")},
        {"cad_path": str(server.folder / "flange.stl"), "output_dir": str(server.folder / "batch" / "c"), "resolution": 96},
        {"cad_path": str(server.folder / "flange.stl"), "output_dir": str(server.folder / "batch" / "d"), "smaples": 3},
    ]
    with server.http() as http:
        answer = http.post(
            "/api/v1/render-templates-batch", json={"items": items, "defaults": {**SMALL, "camera_poses_path": two_poses}}
        ).json()
    assert (answer["success"], answer["total"], answer["succeeded"], answer["failed"]) == (False, 4, 2, 2)
    assert [item["success"] for item in answer["results"]] == [True, False, True, False]
    assert answer["results"][1]["error"]["code"] == "cad_not_found"
    assert answer["results"][3]["error"]["field"] == "items.3.smaples"
    assert answer["results"][2]["result"]["rendered_count"] == 2
    manifest = json.loads((server.folder / "batch" / "c" / "templates" / "manifest.json").read_text())
    assert manifest["resolution"] == [96, 96]


def test_a_batch_may_be_a_bare_list(server: Server, two_poses: str) -> None:
    item = body(server, "knot.ply", "bare", camera_poses_path=two_poses)
    with server.http() as http:
        answer = http.post("/api/v1/render-templates-batch", json=[item]).json()
    assert answer["success"] is True and answer["results"][0]["result"]["total_poses"] == 2


def test_docs_are_served(server: Server) -> None:
    with server.http() as http:
        assert "swagger" in http.get("/docs").text.lower()
        paths = http.get("/openapi.json").json()["paths"]
    expected = {"/render/templates", "/jobs", "/jobs/{job_id}", "/jobs/{job_id}/log", "/health", "/ready", "/api/v1/status"}
    expected |= {"/jobs/{job_id}/manifest", "/cad/inspect", "/api/v1/cad/inspect"}
    expected |= {f"/api/v1{path}" for path in expected if path.startswith("/jobs")}
    expected |= {"/api/v1/render-templates", "/api/v1/render-templates-batch", "/api/v1/jobs/cancel"}
    # What is newer has one path in the document; tests/unit/serve_app/http/test_openapi.py holds what it says of each.
    newer = set(paths) - expected
    assert expected <= set(paths) and all(path.startswith("/api/v1/") for path in newer)
    assert {f"/api/v1/jobs/{{job_id}}/{name}" for name in ("views", "contact-sheet.png", "templates.zip", "events")} <= newer


async def test_two_hundred_waiting_clients_cost_no_thread_each(server: Server, two_poses: str) -> None:
    ingress = next(process for process, words in processes_of(server) if "Ingress" in words)
    before, most = ingress.num_threads(), 0

    async with httpx.AsyncClient(base_url=server.url, timeout=300, trust_env=False, limits=httpx.Limits(max_connections=None)) as http:
        requests = [
            http.post(
                "/render/templates", params={"wait": "true"}, json=body(server, "flange.stl", f"many/{n}", camera_poses_path=two_poses)
            )
            for n in range(200)
        ]
        waiting = asyncio.gather(*requests)
        while not waiting.done():
            most = max(most, ingress.num_threads())
            await asyncio.sleep(0.2)
        answers = await waiting
    assert [answer.json()["status"] for answer in answers] == ["succeeded"] * 200
    assert most - before < 50


def test_status_holds_while_every_renderer_is_busy(server: Server) -> None:
    poses = server.folder / "one_pose.npy"
    np.save(poses, camera_poses(0)[[8, 33, 20]])
    request = body(server, "knot.ply", "busy", resolution=256, samples=256, camera_poses_path=str(poses))
    with server.http() as http:
        job_id = http.post("/render/templates", json=request).json()["job_id"]
        seen = []

        def asked_until_ended() -> bool:
            seen.append(http.get("/api/v1/status").json())
            return http.get(f"/jobs/{job_id}").json()["status"] not in ("queued", "running")

        wait_until(asked_until_ended, "the end of the job", step=0.2)
    assert all(status["renderer_ready"] for status in seen)
    # A busy renderer answers only between two batches, and is told as busy meanwhile.
    assert any(renderer["state"] == "busy" for status in seen for renderer in status["renderers"])
    assert any(status["jobs_running"] == 1 for status in seen)
