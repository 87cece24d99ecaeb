"""Events: each once, over lost connections, and also from a server that streams none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from render_server_client import RefusedError
from tests.unit.client.fake_server import FakeServer, job_of, refusal, silence

PATH = "GET /api/v1/jobs/a/events"


def stream(*events: tuple[str, int | None, dict[str, Any]]) -> httpx.Response:
    text = ": a heartbeat\n\n"
    for kind, number, data in events:
        text += f"event: {kind}\ndata: {json.dumps({'job_id': 'a', **data})}\n" + (f"id: e-{number}\n" if number else "") + "\n"
    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=text)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.01)
    server = FakeServer()
    server.jobs["a"] = job_of("a", "running", rendered_count=0)
    return server


def test_a_stream_that_breaks_goes_on_after_its_last_event(server: FakeServer) -> None:
    heard: list[str | None] = []
    answers: Iterator[Callable[[], httpx.Response]] = iter(
        [
            lambda: stream(("queued", None, {"position": 2}), ("view", 7, {"view": 0})),
            lambda: silence(httpx.Request("GET", "http://server")),
            lambda: stream(("view", 7, {"view": 0}), ("view", 8, {"view": 1}), ("finished", 9, {"status": "succeeded"})),
        ]
    )

    def listen(request: httpx.Request) -> httpx.Response:
        heard.append(request.headers.get("Last-Event-ID"))
        return next(answers)()

    server.routes[PATH] = listen
    events = list(server.client().events("a"))
    assert [(event.kind, event.data.get("view")) for event in events if event.kind != "started"] == [
        *(("queued", None), ("view", 0), ("view", 1), ("finished", None))
    ]
    assert heard == [None, "e-7", "e-7"] and events[-1].id == "e-9"


@pytest.mark.parametrize("answer", [refusal(404, "not_found"), lambda _: httpx.Response(200, text="<html>a proxy's page</html>")])
def test_a_server_without_streams_is_looked_at(server: FakeServer, answer: Any) -> None:
    server.routes[PATH] = answer
    server.jobs["a"] = job_of("a", view_seconds={"0": 0.5, "1": 0.25}, warnings=["grey"])
    events = list(server.client().events("a"))
    assert [event.kind for event in events] == ["queued", "started", "view", "view", "warning", "finished"]
    assert dict(events[3].data) == {"job_id": "a", "view": 1, "seconds": 0.25, "rendered_count": 2, "total_poses": 2}
    assert server.asked[PATH] == 1


def test_a_server_with_too_many_listeners_is_looked_at_meanwhile(server: FakeServer) -> None:
    server.routes[PATH] = refusal(429, "too_many_waiting", **{"Retry-After": "30"})
    server.jobs["a"] = job_of("a")
    assert [event.kind for event in server.client().events("a")] == ["queued", "started", "finished"]


def test_an_unknown_job_is_refused(server: FakeServer) -> None:
    server.routes[PATH] = refusal(404, "job_not_found")
    with pytest.raises(RefusedError, match="job_not_found"):
        list(server.client().events("a"))
