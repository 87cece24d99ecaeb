"""What a dataset does where the server is full, silent or forgetful; the good way runs against a real server in tests/integration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve_app.cli.bop import work
from serve_app.cli.bop.models import Model
from serve_app.cli.bop.order import Order
from serve_app.cli.bop.work import Outcome, Work
from serve_app.cli.client import Client, NoServerError, RefusedError
from serve_app.cli.exit_codes import UsageError
from serve_app.templates.layouts.registry import LAYOUTS

Answer = Callable[[httpx.Request], httpx.Response]

LAYOUT = LAYOUTS["cnos"]


class Server:
    """Keeps jobs; each ends with the first look at it, unless ``answers`` has something else to say to a request first."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.answers: list[Answer | None] = []
        self.groups: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        other = self.answers.pop(0) if self.answers else None
        if other is not None:
            return other(request)
        job_id = request.url.path.rpartition("/")[2]
        if request.method == "PUT":
            self.groups.append(request.url.params["group"])
            self.jobs[job_id] = job_of(job_id, "running")
            return httpx.Response(200, json={"job_id": job_id, "status": "queued"})
        if job_id not in self.jobs:
            return refusal(404, "job_not_found")(request)
        seen = dict(self.jobs[job_id])
        self.jobs[job_id] = job_of(job_id, "succeeded") if seen["status"] == "running" else seen
        return httpx.Response(200, json=self.jobs[job_id])


def job_of(job_id: str, status: str) -> dict[str, Any]:
    return {"job_id": job_id, "status": status, "rendered_count": 42, "total_poses": 42, "processing_time": 1.5, "warnings": ["grey"]}


def refusal(status: int, code: str, retry_after: str | None = None) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return lambda _: httpx.Response(status, json={"detail": f"a sentence about {code}", "code": code, "field": None}, headers=headers)


def silence(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused", request=request)


class Heard:
    """What a watch was told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.over: list[Outcome] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def ended(self, outcome: Outcome) -> None:
        self.over.append(outcome)

    def moved(self) -> None:
        """Nothing is shown."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(work, "_TICK_SEC", 0.001)
    return Server()


def dataset(server: Server, tmp_path: Path, count: int = 2, *, again: bool = False) -> Work:
    client = Client("http://server")
    client._http = httpx.Client(transport=httpx.MockTransport(server), base_url="http://server")
    models = [Model(number, tmp_path / f"obj_{number:06d}.ply", None) for number in range(1, count + 1)]
    orders = [
        Order(model, {"cad_path": str(model.path)}, tmp_path / "out" / str(model.object_id), f"{model.object_id:032d}" * 2)
        for model in models
    ]
    return Work(client, LAYOUT, orders, "bop-group", again=again)


def run(of: Work) -> Heard:
    heard = Heard()
    of.run(heard)
    assert heard.over == of.outcomes and all(outcome.ended for outcome in of.outcomes)
    return heard


def test_every_object_is_one_job_of_one_group(server: Server, tmp_path: Path) -> None:
    works = dataset(server, tmp_path, 3)
    run(works)
    assert [outcome.state for outcome in works.outcomes] == ["succeeded"] * 3 and server.groups == ["bop-group"] * 3
    assert works.outcomes[0].warnings == ["grey"] and works.going_on == 0 and len(server.jobs) == 3


@pytest.mark.parametrize("code", ["queue_full", "draining", "storage_full"])
def test_a_server_that_is_full_is_asked_again_when_it_says_so(server: Server, tmp_path: Path, code: str) -> None:
    server.answers = [None, refusal(429, code, "0"), None, refusal(429, code, "0")]
    heard = run(dataset(server, tmp_path))
    assert len(server.jobs) == 2 and heard.said == [f"a sentence about {code}; the other 2 objects are sent when it lets them in"] * 2


@pytest.mark.parametrize("answer", [silence, refusal(502, "bad_gateway"), refusal(503, "store_unavailable")])
def test_a_server_that_is_silent_for_a_while_is_waited_for(server: Server, tmp_path: Path, answer: Answer) -> None:
    server.answers = [None, answer, None, answer, *[None] * 4, *[answer] * 5]
    works = dataset(server, tmp_path)
    run(works)
    assert [outcome.state for outcome in works.outcomes] == ["succeeded"] * 2


def test_one_that_stays_silent_ends_the_command_and_keeps_the_jobs(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_PATIENCE_SEC", 0.0)
    server.answers = [None, None, None, None, silence, silence]
    works = dataset(server, tmp_path)
    with pytest.raises(NoServerError):
        works.run(Heard())
    assert works.going_on == 2


def test_a_client_that_is_not_let_in_is_told_at_once(server: Server, tmp_path: Path) -> None:
    server.answers = [refusal(401, "unauthorized")]
    with pytest.raises(RefusedError, match="RENDER_API_KEY"):
        dataset(server, tmp_path).run(Heard())


def test_what_the_server_refuses_is_that_object_s_failure_alone(server: Server, tmp_path: Path) -> None:
    server.answers = [None, refusal(422, "cad_quarantined")]
    works = dataset(server, tmp_path)
    run(works)
    assert [outcome.state for outcome in works.outcomes] == ["refused", "succeeded"]
    assert works.outcomes[0].error == "a sentence about cad_quarantined" and not works.outcomes[0].published


def test_an_option_that_does_not_fit_ends_the_command_before_any_job(server: Server, tmp_path: Path) -> None:
    server.answers = [None, refusal(422, "validation_error")]
    with pytest.raises(UsageError, match="a sentence about validation_error"):
        dataset(server, tmp_path).run(Heard())
    assert not server.jobs


def test_a_folder_that_another_job_writes_is_not_waited_for(server: Server, tmp_path: Path) -> None:
    server.answers = [None, refusal(409, "output_busy", "10")]
    works = dataset(server, tmp_path, 1)
    run(works)
    assert works.outcomes[0].state == "refused"


def test_a_job_that_runs_is_followed(server: Server, tmp_path: Path) -> None:
    works = dataset(server, tmp_path, 1)
    job_id = works.outcomes[0].order.job_id(1)
    server.jobs[job_id] = job_of(job_id, "running")
    server.answers = [lambda _: httpx.Response(200, json=job_of(job_id, "running"))]
    run(works)
    assert works.outcomes[0].resumed and works.outcomes[0].state == "succeeded" and server.groups == []


def test_one_that_failed_is_tried_again_as_another_job(server: Server, tmp_path: Path) -> None:
    works = dataset(server, tmp_path, 1)
    order = works.outcomes[0].order
    server.jobs[order.job_id(1)] = {**job_of(order.job_id(1), "failed"), "error_message": "no luck"}
    run(works)
    assert works.outcomes[0].job_id == order.job_id(2) and works.outcomes[0].state == "succeeded" and not works.outcomes[0].error


def test_one_whose_files_have_gone_is_rendered_anew(server: Server, tmp_path: Path) -> None:
    works = dataset(server, tmp_path, 1)
    order = works.outcomes[0].order
    server.jobs[order.job_id(1)] = job_of(order.job_id(1), "succeeded")
    run(works)
    assert works.outcomes[0].job_id == order.job_id(2)


def test_one_whose_files_are_there_is_left_unless_everything_is_wanted_anew(server: Server, tmp_path: Path) -> None:
    order = dataset(server, tmp_path, 1).outcomes[0].order
    order.folder.mkdir(parents=True)
    for name in ("manifest.json", *(path for view in range(42) for path in LAYOUT.paths("rgba", view, 42))):
        (order.folder / name).write_bytes(b"x")
    server.jobs[order.job_id(1)] = job_of(order.job_id(1), "succeeded")
    works = dataset(server, tmp_path, 1)
    run(works)
    assert works.outcomes[0].state == "there" and works.outcomes[0].published and server.groups == []
    works = dataset(server, tmp_path, 1, again=True)
    run(works)
    assert works.outcomes[0].state == "succeeded" and len(server.jobs) == 2


def test_a_job_that_the_server_has_forgotten_is_no_endless_wait(server: Server, tmp_path: Path) -> None:
    server.answers = [None, None, refusal(404, "job_not_found")]
    works = dataset(server, tmp_path, 1)
    run(works)
    assert works.outcomes[0].state == "refused" and "knows job" in works.outcomes[0].error
