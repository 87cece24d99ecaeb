from __future__ import annotations

from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.http.routes import build_api
from serve_app.jobs.job import Job
from serve_app.jobs.record import JobRecord, record_of
from serve_app.service.job_events import JobEvents
from serve_app.service.live_jobs import LiveJobs
from serve_app.service.service import RenderService
from tests.unit.serve_app.http.fake_server import client
from tests.unit.serve_app.made import make_job


class Jobs:
    """A service whose jobs do what a test says."""

    def __init__(self) -> None:
        self.live = LiveJobs()
        self.events = JobEvents(self.live)
        self._jobs: dict[str, Job] = {}

    async def job_record(self, job_id: str) -> JobRecord:
        if job_id not in self._jobs:
            raise ServiceError("job_not_found", "job not found", "job_id")
        return record_of(self._jobs[job_id])

    def accept(self, job_id: str) -> Job:
        self._jobs[job_id] = job = make_job(f"/out/{job_id}", job_id=job_id)
        self.live.add(job)
        self.events.follow(job)
        job.progress.accept()
        return job

    def end(self, job: Job) -> None:
        job.progress.fail(ServiceError("cad_invalid", "no faces"))
        self.live.remove(job)
        job.progress.release()


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def app(settings: Settings, jobs: Jobs) -> FastAPI:
    return build_api(lambda: cast(RenderService, jobs), settings)


async def ask(app: FastAPI, path: str, method: str = "GET", **more: Any) -> httpx.Response:
    async with client(app) as http:
        return await http.request(method, path, **more)


def told(answer: httpx.Response) -> list[str]:
    return [line.removeprefix("event: ") for line in answer.text.splitlines() if line.startswith("event: ")]


async def test_a_stream_begins_with_how_all_jobs_stand_and_goes_on_where_a_client_was(app: FastAPI, jobs: Jobs) -> None:
    jobs.accept("a").progress.start()
    jobs.accept("b")
    answer = await ask(app, "/api/v1/events", params={"for_sec": 0})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no" and answer.headers["cache-control"] == "no-store"
    assert told(answer) == ["started", "queued"] and f"id: {jobs.events.log.id_of(3)}" in answer.text
    first = jobs.events.log.id_of(1)
    by_header = await ask(app, "/events", params={"for_sec": 0}, headers={"Last-Event-ID": first})
    by_query = await ask(app, "/events", params={"for_sec": 0, "last_event_id": first})
    for answer in (by_header, by_query):
        assert told(answer) == ["started", "queued"] and "rendered_count" in answer.text and "retry" in answer.text
    lost = await ask(app, "/api/v1/events", params={"for_sec": 0}, headers={"Last-Event-ID": "00000000-7"})
    assert told(lost) == ["reset", "started", "queued"]


async def test_the_stream_of_a_job_that_has_ended_is_whole_and_over(app: FastAPI, jobs: Jobs) -> None:
    job = jobs.accept("a")
    job.progress.start()
    job.progress.views_done({0: 0.5})
    jobs.end(job)
    for path in ("/api/v1/jobs/a/events", "/jobs/a/events"):
        assert told(await ask(app, path)) == ["started", "view", "finished"]
    log = jobs.events.log
    assert told(await ask(app, "/jobs/a/events", headers={"Last-Event-ID": log.id_of(2)})) == ["view", "finished"]
    over = await ask(app, "/jobs/a/events", headers={"Last-Event-ID": log.id_of(log.last)})
    assert over.status_code == 204 and over.content == b""
    assert (await ask(app, "/jobs/unknown/events")).json()["code"] == "job_not_found"


async def test_what_is_asked_wrongly_is_refused_before_a_stream_begins(app: FastAPI, jobs: Jobs) -> None:
    for params in ({"for_sec": -1}, {"for_sec": "soon"}, {"last_event_id": "x" * 65}):
        answer = await ask(app, "/api/v1/events", params=params)
        assert answer.status_code == 422 and answer.json()["code"] == "validation_error"
    jobs.events.log.close()
    assert (await ask(app, "/api/v1/events")).status_code == 503


async def test_head_of_a_stream_has_an_end(app: FastAPI, jobs: Jobs) -> None:
    jobs.accept("a")
    for path in ("/api/v1/events", "/api/v1/jobs/a/events"):
        answer = await ask(app, path, "HEAD")
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream") and not answer.content


def test_the_document_has_each_path_once(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    assert [path for path in paths if path.endswith("/events")] == ["/api/v1/events", "/api/v1/jobs/{job_id}/events"]
    for path in ("/api/v1/events", "/api/v1/jobs/{job_id}/events"):
        assert list(paths[path]["get"]["responses"]["200"]["content"]) == ["text/event-stream"]
