"""What ``render`` does where the server is older, far away, full of equal jobs or not willing; the good way runs in tests/integration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from render_server_client import NoServerError, RefusedError, Templates
from render_server_client.operations import digest
from serve_app.cli.client import Client
from serve_app.cli.render import watches
from serve_app.cli.render import work as work_module
from serve_app.cli.render.command import _resumed_by
from serve_app.cli.render.orders import orders_of
from serve_app.cli.render.watches import Lines, time_left, told
from serve_app.cli.render.work import Task, Work
from tests.unit.client.fake_server import FakeServer, job_of, nobody, refusal
from tests.unit.client.made import folder_of, zip_of


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeServer:
    monkeypatch.setattr(work_module, "_TICK_SEC", 0.001)
    monkeypatch.setattr("random.uniform", lambda low, high: 0.01)
    monkeypatch.delenv("RENDER_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    for name in ("a.stl", "b.stl"):
        (tmp_path / name).write_text(name)
    return FakeServer()


def work_of(server: FakeServer, *cads: str, upload: bool | Literal["auto"] = "auto") -> Work:
    client = Client("http://server", patience_sec=5.0)
    client._http = httpx.Client(transport=httpx.MockTransport(server), base_url="http://server")
    return Work(client, orders_of(cads or ("a.stl",), "out", {}), {"samples": 1}, upload)


class Heard:
    """What a watch was told."""

    def __init__(self) -> None:
        self.over: list[Task] = []
        self.rendered: list[int] = []

    def ended(self, task: Task) -> None:
        self.over.append(task)

    def moved(self, tasks: Sequence[Task]) -> None:
        self.rendered += [task.rendered for task in tasks]


def run(work: Work) -> Heard:
    heard = Heard()
    work.run(heard)
    assert sorted(map(id, heard.over)) == sorted(map(id, work.tasks)) and not work.going_on
    return heard


def shared(server: FakeServer) -> None:
    """The server sees the CADs, and writes where it is told to."""
    server.routes["POST /api/v1/cad/inspect"] = lambda _: httpx.Response(200, json={"sha256": digest(Path("a.stl"))})
    server.begun = lambda job_id: {"output_dir": "out", "templates_dir": str(folder_of(Path.cwd() / "out" / "a" / "templates", job_id))}


def takes_uploads(server: FakeServer) -> None:
    server.routes["POST /api/v1/uploads"] = lambda _: httpx.Response(201, json={"upload_id": "f" * 32, "cads": ["a.stl"]})
    server.begun = lambda job_id: {"output_dir": f"results:{job_id}", "templates_dir": f"results:{job_id}/templates"}
    server.archive = zip_of()


def body_of(server: FakeServer) -> dict[str, Any]:
    ((body, _),) = server.bodies
    return body


def test_a_shared_disk_is_used_as_it_is(server: FakeServer, tmp_path: Path) -> None:
    shared(server)
    work = work_of(server)
    run(work)
    (task,) = work.tasks
    assert (task.state, task.uploaded, task.folder) == ("done", False, tmp_path / "out" / "a" / "templates")
    assert body_of(server) == {"cad_path": str(tmp_path / "a.stl"), "output_dir": str(tmp_path / "out" / "a"), "samples": 1}


def test_a_far_server_gets_the_files_and_gives_the_results(server: FakeServer, tmp_path: Path) -> None:
    takes_uploads(server)
    work = work_of(server)
    run(work)
    assert body_of(server) == {"upload_id": "f" * 32, "samples": 1}
    assert work.tasks[0].uploaded and len(Templates.read(tmp_path / "out" / "a")) == 3
    assert work.tasks[0].folder == tmp_path / "out" / "a" / "templates"


def test_an_output_that_the_server_may_not_write_is_fetched(server: FakeServer, tmp_path: Path) -> None:
    shared(server)
    takes_uploads(server)
    server.script = [None, None, None, refusal(403, "path_outside_roots")]  # Two listings, the inspection, the job.
    work = work_of(server)
    run(work)
    assert work.tasks[0].uploaded and "upload_id" in body_of(server) and len(Templates.read(tmp_path / "out" / "a")) == 3


def test_results_that_this_machine_does_not_see_are_fetched(server: FakeServer, tmp_path: Path) -> None:
    shared(server)
    server.begun = lambda _: {"output_dir": "out", "templates_dir": str(tmp_path / "not" / "here")}
    server.archive = zip_of()
    run(work_of(server))
    assert len(Templates.read(tmp_path / "out" / "a")) == 3


def test_an_older_server_is_given_paths(server: FakeServer, tmp_path: Path) -> None:
    server.older = True
    server.begun = lambda job_id: {"templates_dir": str(folder_of(tmp_path / "out" / "a" / "templates", job_id))}
    work = work_of(server)
    run(work)
    assert body_of(server)["cad_path"] == str(tmp_path / "a.stl") and not work.tasks[0].uploaded


def test_an_older_server_that_refuses_the_path_says_why(server: FakeServer) -> None:
    server.routes["POST /api/v1/cad/inspect"] = lambda _: httpx.Response(200, json={"sha256": digest(Path("a.stl"))})
    server.script = [None, None, None, refusal(403, "path_outside_roots")]
    work = work_of(server)
    run(work)
    assert work.tasks[0].state == "failed" and "path_outside_roots" in str(work.tasks[0].error)


def test_a_cad_that_fails_fails_alone(server: FakeServer) -> None:
    takes_uploads(server)
    work = work_of(server, "a.stl", "b.stl")
    first = work.tasks[0].order.mark
    error = {"code": "cad_invalid", "detail": "empty", "field": None}
    server.begun = lambda job_id: (
        {"status": "failed", "error": error, "error_message": "empty"} if job_id.startswith(first) else {"templates_dir": "/no"}
    )
    run(work)
    assert [task.state for task in work.tasks] == ["failed", "done"] and "empty [cad_invalid]" in str(work.tasks[0].error)


def test_the_job_of_an_interrupted_command_is_taken_up(server: FakeServer) -> None:
    takes_uploads(server)
    work = work_of(server)
    job_id = work.tasks[0].order.new_job_id()
    server.jobs[job_id] = job_of(job_id, "queued", output_dir="results:a", templates_dir="results:a/templates")
    looks = iter(["queued", "running", "succeeded", "succeeded", "succeeded", "succeeded"])
    server.routes[f"GET /api/v1/jobs/{job_id}"] = lambda _: httpx.Response(
        200, json=job_of(job_id, next(looks), output_dir="results:a", templates_dir="results:a/templates")
    )
    run(work)
    assert server.bodies == [] and work.tasks[0].resumed and work.tasks[0].uploaded and work.tasks[0].state == "done"


def test_progress_is_that_of_the_job_that_renders_the_same(server: FakeServer) -> None:
    takes_uploads(server)
    work = work_of(server)
    server.jobs["other"] = job_of("other", "running", rendered_count=17, total_poses=42)
    waiting = {"rendered_count": 0, "total_poses": 42, "waiting_for": "job other, which renders the same", "templates_dir": "/no"}
    server.begun = lambda _: {"status": "running", **waiting}
    looks = iter(range(1000))

    class Ends(Heard):
        def moved(self, tasks: Sequence[Task]) -> None:
            super().moved(tasks)
            if tasks[0].state == "running" and tasks[0].job is not None and next(looks) == 20:
                assert told(tasks[0]) == "rendered by an equal job"
                server.jobs[tasks[0].job.id] = job_of(tasks[0].job.id, templates_dir="/no")

    heard = Ends()
    work.run(heard)
    assert 17 in heard.rendered and heard.rendered[-1] == 2


def test_a_server_that_lets_nobody_in_ends_the_command(server: FakeServer) -> None:
    server.routes["POST /api/v1/cad/inspect"] = refusal(401, "unauthorized")
    with pytest.raises(RefusedError, match="unauthorized"):
        run(work_of(server))


def test_a_server_that_goes_away_ends_the_command_and_keeps_its_jobs(server: FakeServer) -> None:
    takes_uploads(server)
    server.begun = lambda _: {"status": "running"}
    work = work_of(server)
    work._client._session.patience_sec = 0.05

    class Gone(Heard):
        def moved(self, tasks: Sequence[Task]) -> None:
            if tasks[0].state == "running":
                server.script = [nobody] * 10_000

    with pytest.raises(NoServerError):
        work.run(Gone())
    (job,) = [task.job for task in work.tasks]
    assert job is not None and job.status == "running" and work.going_on == [job.id] and not work.unanswered


def test_a_job_that_was_sent_without_an_answer_may_go_on(server: FakeServer) -> None:
    takes_uploads(server)
    work = work_of(server, "a.stl", "b.stl")

    def interrupted(_: str) -> dict[str, Any]:
        raise KeyboardInterrupt

    server.begun = interrupted
    with pytest.raises(KeyboardInterrupt):
        run(work)
    sent = [task.job_id for task in work.tasks if task.job_id]
    assert sent and work.going_on == work.unanswered == sent
    told = _resumed_by(work, None)
    assert f"`render-server cancel {' '.join(sent)}`" in told and "if" in told and "received" in told


def test_lines_come_now_and_then_and_name_what_runs(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    lines = Lines(said.append)
    tasks = work_of(server, "a.stl", "b.stl").tasks
    lines.moved(tasks)
    assert said == []
    monkeypatch.setattr(watches, "_LINE_EVERY_SEC", 0.0)
    tasks[0].state, tasks[1].state = "done", "sending"
    lines.moved(tasks)
    assert said == ["1 of 2 have ended; b.stl 0/? views, sending"]
    assert time_left(tasks[1]) == ""
