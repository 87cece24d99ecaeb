"""The key, the limits and Ray's token, at a real server."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import httpx
import psutil
import pytest

from serve_app.base.api_key import NO_KEY
from tests.integration.conftest import Server
from tests.integration.security.conftest import API_KEY

JSON = {"Content-Type": "application/json", "X-API-Key": API_KEY}


def dashboard_of(server: Server) -> str:
    """Where Ray's dashboard of a server is; several on a machine take the next free port."""
    found = re.search(r"http://127\.0\.0\.1:\d+", (server.folder / "server.log").read_text())
    assert found, "the dashboard is not on loopback"
    return found[0]


def is_of(server: Server, process: psutil.Process) -> bool:
    """Whether a process is of the session that a server leads; False when it has just ended."""
    with contextlib.suppress(OSError):
        return os.getsid(process.pid) == server.pid
    return False


def test_only_the_key_opens(locked_server: Server) -> None:
    with locked_server.http() as http:
        assert http.get("/health").status_code == http.get("/ready").status_code == 200
        for path in ("/jobs", "/api/v1/status", "/docs", "/openapi.json", "/no/such/path"):
            answer = http.get(path)
            assert answer.status_code == 401 and answer.json()["code"] == "unauthorized" and "WWW-Authenticate" in answer.headers
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert http.get("/jobs", headers={"X-API-Key": API_KEY}).status_code == 200
        assert http.get("/jobs", headers={"Authorization": f"Bearer {API_KEY}"}).status_code == 200
        # What Serve's own proxy answers without asking the server: that it is alive, and that the server is at "/".
        assert http.get("/-/healthz").text == "success" and http.get("/-/routes").json() == {"/": "render-server"}


def test_a_body_beyond_the_limit(locked_server: Server) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 1000

    with locked_server.http() as http:
        for content in (b" " * 70_000, chunks()):
            answer = http.post("/render/templates", content=content, headers=JSON)
            assert answer.status_code == 413 and answer.json()["code"] == "body_too_large"
        assert http.post("/render/templates", content=b"[" * 60_000, headers=JSON).status_code == 422
        assert http.get("/health").status_code == 200


def test_the_command_sends_the_key(locked_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [sys.executable, "-m", "serve_app.cli.main", "jobs", "--url", locked_server.url]
    monkeypatch.setenv("RENDER_API_KEY", API_KEY)
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    monkeypatch.delenv("RENDER_API_KEY")
    monkeypatch.setenv("RENDER_API_KEY_FILE", str(locked_server.folder / "api_key"))
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    monkeypatch.delenv("RENDER_API_KEY_FILE")
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3 and "RENDER_API_KEY" in done.stderr and len(done.stderr.splitlines()) == 1


def test_the_key_is_in_no_log(locked_server: Server) -> None:
    with locked_server.http() as http:
        body = {"cad_path": str(locked_server.folder / "flange.stl"), "output_dir": str(locked_server.folder / "logged"), "samples": 1}
        body |= {"resolution": 64, "camera_poses_path": str(locked_server.folder / "one_pose.npy")}
        job = http.post("/render/templates", params={"wait": "true"}, json=body, headers=JSON).json()
    assert job["status"] == "succeeded" and API_KEY not in str(job)
    logs = [locked_server.folder / "server.log", *(locked_server.folder / "logs").iterdir()]
    assert len(logs) >= 2 and not any(API_KEY in log.read_text() for log in logs)


def test_the_key_of_a_file_is_in_no_environment_and_not_in_rays_dashboard(locked_server: Server) -> None:
    processes = [psutil.Process(locked_server.pid), *psutil.Process(locked_server.pid).children(recursive=True)]
    environments = []
    for process in processes:
        with contextlib.suppress(psutil.Error):  # It has just ended.
            environments.append(str(process.environ()))
    assert any("RENDER_API_KEY_FILE" in environment for environment in environments)
    assert not any(API_KEY in environment for environment in environments)
    headers = {"Authorization": f"Bearer {(locked_server.folder / 'ray_token').read_text()}"}
    with httpx.Client(base_url=dashboard_of(locked_server), headers=headers, timeout=30, trust_env=False) as http:
        told = [http.get(path) for path in ("/api/jobs/", "/api/serve/applications/", "/api/v0/actors", "/api/v0/workers")]
    assert all(answer.status_code == 200 for answer in told) and not any(API_KEY in answer.text for answer in told)


def test_there_is_no_dashboard_where_none_is_wanted(server: Server) -> None:
    assert "it has no dashboard" in (server.folder / "server.log").read_text()
    words = [word for process in psutil.process_iter(["cmdline"]) if is_of(server, process) for word in process.info["cmdline"] or ()]
    assert any("ray::" in word for word in words) and not any("ray-dashboard" in word for word in words)


def test_ray_wants_its_token(locked_server: Server) -> None:
    token = locked_server.folder / "ray_token"
    assert token.stat().st_mode & 0o777 == 0o600
    with httpx.Client(base_url=dashboard_of(locked_server), timeout=30, trust_env=False) as http:
        for path in ("/api/version", "/api/jobs/", "/api/serve/applications/", "/api/v0/actors"):
            assert http.get(path).status_code == 401
            assert http.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 403
            assert http.get(path, headers={"Authorization": f"Bearer {token.read_text()}"}).status_code == 200
        assert http.post("/api/jobs/", json={"entrypoint": "true"}).status_code == 401


def test_a_server_with_a_key_says_nothing_of_it(locked_server: Server) -> None:
    assert NO_KEY not in (locked_server.folder / "server.log").read_text()
