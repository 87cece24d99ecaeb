"""How a client would like a request for a job to be answered."""

from __future__ import annotations

from typing import Any

import pytest

from serve_app.base.settings import Settings
from serve_app.http.prefer import Prefer, asked
from serve_app.jobs.job import Job
from tests.unit.serve_app.http.fake_server import FakeService, api, client
from tests.unit.serve_app.made import accepted_job

BODY = {"cad_path": "a.ply", "output_dir": "out"}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Prefer()),
        ("respond-async", Prefer(asynchronous=True, applied="respond-async")),
        ("wait=10", Prefer(True, 10, applied="wait=10")),
        ('Wait="0"', Prefer(True, 0, applied="wait=0")),
        ("return=minimal, respond-async, wait=5; foo", Prefer(True, 5, True, "respond-async, wait=5")),
        ("wait=5, wait=7", Prefer(True, 5, applied="wait=5")),  # RFC 7240: the first one counts.
        ("wait=999999999", Prefer(True, 86400, applied="wait=86400")),
        ("wait, wait=ten", Prefer()),
        ("wait=-1", Prefer()),
        ("wait=\N{ARABIC-INDIC DIGIT ONE}", Prefer()),
        (",;=,\x00", Prefer()),
    ],
)
def test_what_is_known_counts_and_the_rest_is_passed_over(header: str | None, expected: Prefer) -> None:
    assert asked(header, wait=False, timeout=None) == expected


def test_the_query_goes_before_the_header() -> None:
    assert asked("respond-async, wait=5", wait=True, timeout=2.5) == Prefer(True, 2.5)


class OneJob(FakeService):
    """Accepts a job."""

    def __init__(self, job: Job) -> None:
        self.job = job

    async def accept(self, request: Any, group: str = "", **keys: Any) -> Any:
        return self.job


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/v1/jobs"), ("POST", "/render/templates"), ("POST", "/jobs"), ("PUT", "/api/v1/jobs/x")]
)
async def test_an_accepted_job_is_answered_with_its_path_when_that_is_preferred(settings: Settings, method: str, path: str) -> None:
    job = accepted_job()
    async with client(api(settings, OneJob(job))) as http:
        usual = await http.request(method, path, json=BODY)
        answer = await http.request(method, path, json=BODY, headers={"Prefer": "respond-async"})
    assert usual.status_code == 200 and usual.json() == {"job_id": job.job_id, "status": "queued"} and "Location" not in usual.headers
    assert answer.status_code == 202 and answer.json() == usual.json()
    assert answer.headers["Location"] == f"/api/v1/jobs/{job.job_id}" and answer.headers["Preference-Applied"] == "respond-async"


async def test_a_preferred_wait_ends_with_the_job_or_the_time(settings: Settings) -> None:
    job = accepted_job()
    async with client(api(settings, OneJob(job))) as http:
        timed_out = await http.post("/api/v1/jobs", json=BODY, headers={"Prefer": "wait=0"})
        goes_on = await http.post("/api/v1/jobs", json=BODY, headers={"Prefer": "respond-async, wait=0"})
        job.progress.start()
        job.progress.publish()
        job.progress.succeed()
        job.progress.release()
        ended = await http.post("/api/v1/jobs", json=BODY, headers={"Prefer": "respond-async, wait=60"})
    assert timed_out.status_code == 200 and timed_out.json()["status"] == "timeout" and timed_out.headers["Preference-Applied"] == "wait=0"
    assert goes_on.status_code == 202 and goes_on.headers["Location"].endswith(job.job_id) and goes_on.json()["status"] == "queued"
    assert ended.status_code == 200 and ended.json()["status"] == "succeeded" and "Location" not in ended.headers
