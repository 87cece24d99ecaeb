"""What the client does where the server is full, silent, older or far away."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from render_server_client import FilesError, JobFailedError, NoServerError, RefusedError
from render_server_client.errors import RenderServerError, WaitTimeoutError
from render_server_client.operations import digest
from render_server_client.wire import Backoff, older_path
from tests.unit.client.fake_server import Answer, FakeServer, job_of, nobody, refusal, silence


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    monkeypatch.delenv("RENDER_API_KEY", raising=False)
    monkeypatch.setattr("random.uniform", lambda low, high: 0.01)  # Backoff without the waiting.
    return FakeServer()


@pytest.fixture
def cad(tmp_path: Path) -> Path:
    path = tmp_path / "part.stl"
    path.write_bytes(b"solid nothing\nendsolid nothing\n")
    return path


def test_the_package_needs_neither_ray_nor_blender() -> None:
    code = (
        "import sys, render_server_client\n"
        "sys.exit(any(name in sys.modules for name in ('ray', 'bpy', 'blenderproc', 'serve_app', 'cv2', 'pydantic', 'fastapi')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("lost", [silence, refusal(503, "draining"), refusal(429, "queue_full", **{"Retry-After": "0"}), nobody])
def test_a_submission_is_repeated_under_the_same_key(server: FakeServer, cad: Path, lost: Answer) -> None:
    client = server.client()
    client.submit(cad, output_dir="/out", upload=False)
    server.script = [lost, lost]
    job = client.submit(cad, output_dir="/out", upload=False, resolution=64)
    assert server.asked["POST /render/templates"] == 4 and len(server.bodies) == 2
    body, key = server.bodies[-1]
    assert body == {"cad_path": str(cad), "output_dir": "/out", "resolution": 64}
    assert key and job.id == f"job-of-{key}" and key != server.bodies[0][1]


def test_the_callers_own_key_and_id_are_used(server: FakeServer, cad: Path) -> None:
    client = server.client()
    assert client.submit(cad, output_dir="/out", upload=False, idempotency_key="mine").id == "job-of-mine"
    assert client.submit(cad, output_dir="/out", upload=False, job_id="my-id").id == "my-id"
    assert server.asked["PUT /api/v1/jobs/my-id"] == 1


def test_what_the_server_means_is_not_repeated(server: FakeServer, cad: Path) -> None:
    server.script = [refusal(422, "validation_error")]
    with pytest.raises(RefusedError) as caught:
        server.client().submit(cad, output_dir="/out", upload=False)
    assert (caught.value.status, caught.value.code, caught.value.field) == (422, "validation_error", "cad_path")
    assert sum(server.asked.values()) == 1


def test_an_error_tells_its_remedy(server: FakeServer) -> None:
    server.script = [refusal(401, "unauthorized")]
    with pytest.raises(RefusedError, match="RENDER_API_KEY") as caught:
        server.client().job("a")
    assert "RENDER_API_KEY" in caught.value.remedy and caught.value.detail == "a sentence about unauthorized"


def test_a_redirect_is_told_with_its_address(server: FakeServer) -> None:
    server.script = [lambda _: httpx.Response(308, headers={"Location": "https://server/"})]
    with pytest.raises(RefusedError, match=r"it redirects to https://server/; use that address"):
        server.client().job("a")


def test_a_server_that_has_never_answered_is_soon_given_up(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("render_server_client.wire.FIRST_ANSWER_SEC", 0.5)
    server.script = [nobody] * 1000
    with pytest.raises(NoServerError, match="no server answers at http://server"):
        server.client(patience_sec=3600).job("a")
    assert server.asked["GET /api/v1/jobs/a"] > 1


def test_a_retry_that_the_server_wants_too_late_is_not_waited_for() -> None:
    assert Backoff(10.0).next(3600.0) is None and Backoff(10.0).next(2.0) == pytest.approx(2.0)
    assert Backoff(0.0).next() is None


def test_an_older_server_is_asked_by_its_own_paths(server: FakeServer) -> None:
    server.older = True
    server.jobs["a"] = job_of("a")
    client = server.client()
    assert client.job("a").succeeded and client.wait("a").rendered == 2
    assert server.asked["GET /api/v1/jobs/a"] == 1 and server.asked["GET /jobs/a"] >= 3
    with pytest.raises(RenderServerError, match="too old to send files"):
        client.download("a", "/nowhere")


def test_only_paths_of_jobs_have_an_older_form() -> None:
    assert [older_path(path) for path in ("/api/v1/jobs", "/api/v1/jobs/a/log", "/api/v1/status", "/api/v1/jobsite")] == [
        *("/jobs", "/jobs/a/log", "/api/v1/status", "/api/v1/jobsite")
    ]


def test_a_job_that_failed_is_an_error_that_says_why(server: FakeServer) -> None:
    error = {"code": "cad_invalid", "detail": "the CAD is empty", "field": "cad_path"}
    server.jobs["a"] = job_of("a", "failed", error=error, error_message="the CAD is empty")
    with pytest.raises(JobFailedError, match=r"job a failed: the CAD is empty \[cad_invalid\]") as caught:
        server.client().wait("a")
    assert caught.value.field == "cad_path" and server.client().wait("a", check=False).status == "failed"


def test_a_wait_ends_in_time(server: FakeServer) -> None:
    server.jobs["a"] = job_of("a", "running")
    with pytest.raises(WaitTimeoutError, match="it goes on"):
        server.client().wait("a", timeout_sec=0.05)


class TestShared:
    """Whether paths are given to the server, or files."""

    def inspected(self, server: FakeServer, **told: str) -> None:
        server.routes["POST /api/v1/cad/inspect"] = lambda _: httpx.Response(200, json=told)

    def uploads(self, server: FakeServer) -> list[bytes]:
        sent: list[bytes] = []

        def take(request: httpx.Request) -> httpx.Response:
            sent.append(request.read())
            return httpx.Response(201, json={"upload_id": "f" * 32, "cads": ["part.stl"], "expires_at": 1.0})

        server.routes["POST /api/v1/uploads"] = take
        return sent

    def test_the_same_content_at_the_same_path_is_a_shared_disk(self, server: FakeServer, cad: Path) -> None:
        self.inspected(server, sha256=digest(cad))
        client = server.client()
        client.submit(cad, output_dir="/out")
        client.submit(cad, output_dir="/out2")
        assert [body["cad_path"] for body, _ in server.bodies] == [str(cad)] * 2
        assert server.asked["POST /api/v1/cad/inspect"] == 1  # One CAD tells for its folder.

    def test_another_file_at_the_same_path_is_not(self, server: FakeServer, cad: Path) -> None:
        self.inspected(server, sha256="0" * 64)
        sent = self.uploads(server)
        server.client().submit(cad, output_dir="/out")
        assert server.bodies[0][0] == {"output_dir": "/out", "upload_id": "f" * 32}
        assert b'filename="part.stl"' in sent[0] and cad.read_bytes() in sent[0]

    @pytest.mark.parametrize("code", ["path_outside_roots", "cad_not_found", "cad_invalid"])
    def test_a_path_that_the_server_refuses_is_uploaded(self, server: FakeServer, cad: Path, code: str) -> None:
        server.routes["POST /api/v1/cad/inspect"] = refusal(403, code)
        self.uploads(server)
        server.client().submit(cad, output_dir="/out")
        assert "upload_id" in server.bodies[0][0]

    def test_a_server_that_lets_nobody_in_is_no_reason_to_upload(self, server: FakeServer, cad: Path) -> None:
        server.routes["POST /api/v1/cad/inspect"] = refusal(401, "unauthorized")
        with pytest.raises(RefusedError, match="unauthorized"):
            server.client().submit(cad, output_dir="/out")

    def test_without_an_output_dir_the_files_are_sent(self, server: FakeServer, cad: Path) -> None:
        self.uploads(server)
        server.client().submit(cad)
        assert server.bodies[0][0] == {"upload_id": "f" * 32} and not server.asked["POST /api/v1/cad/inspect"]

    def test_files_that_were_sent_once_serve_several_calls(self, server: FakeServer, cad: Path) -> None:
        sent = self.uploads(server)
        client = server.client()
        upload = client.upload(cad)
        client.submit(upload, resolution=64)
        client.submit(upload, output_dir="/out")
        assert len(sent) == 1 and [body["upload_id"] for body, _ in server.bodies] == ["f" * 32] * 2

    def test_a_retry_sends_the_whole_file_again(self, server: FakeServer, cad: Path) -> None:
        sent = self.uploads(server)
        client = server.client()
        client.submit(cad, upload=True)
        server.script = [silence]
        client.submit(cad, upload=True)
        assert cad.read_bytes() in sent[1]

    def test_files_in_folders_below_travel_in_a_zip(self, server: FakeServer, tmp_path: Path) -> None:
        (tmp_path / "maps").mkdir()
        (tmp_path / "maps" / "a.png").write_bytes(b"png")
        (tmp_path / "a.mtl").write_text("newmtl a\nmap_Kd -s 1 1 1 maps/a.png\n")
        (tmp_path / "a.obj").write_text("mtllib a.mtl\n")
        kept: list[str] = []

        def take(request: httpx.Request) -> httpx.Response:
            body = request.read()
            start = body.index(b"PK\x03\x04")
            (tmp_path / "sent.zip").write_bytes(body[start : body.rindex(b"\r\n--")])
            with zipfile.ZipFile(tmp_path / "sent.zip") as archive:
                kept.extend(archive.namelist())
            return httpx.Response(201, json={"upload_id": "f" * 32, "cads": ["a.obj"]})

        server.routes["POST /api/v1/uploads"] = take
        server.client().submit(tmp_path / "a.obj", upload=True)
        assert kept == ["a.obj", "a.mtl", "maps/a.png"]

    def test_a_file_that_is_not_there_is_told_before_anything_is_sent(self, server: FakeServer, tmp_path: Path) -> None:
        with pytest.raises(FilesError, match=r"none\.stl cannot be read: No such file"):
            server.client().submit(tmp_path / "none.stl", upload=True)
        with pytest.raises(FilesError, match="does not lie in the CAD's folder"):
            (tmp_path / "in").mkdir()
            (tmp_path / "in" / "a.stl").touch()
            (tmp_path / "b.png").touch()
            server.client().submit(tmp_path / "in" / "a.stl", upload=True, more_files=[tmp_path / "b.png"])
        assert not server.asked
