"""A job over HTTP: the types that clients of the older server parse, and what is absent when."""

from __future__ import annotations

import dataclasses
import time
from datetime import datetime
from typing import Any

import jsonschema
import pytest

from serve_app.base.settings import Settings
from serve_app.http.job_answer import JobAnswer, job_answer, wait_timeout_answer
from serve_app.http.v1 import render_result
from serve_app.jobs.pages import JobPage, JobQuery
from serve_app.jobs.record import JobError, JobRecord
from serve_app.jobs.states import JobState
from tests.unit.serve_app.http.fake_server import FakeService, api, client

QUEUED = JobRecord(
    "a-b", "queued", "a.ply", "out", "/out/templates", "/logs/a-b.log", created_at=1_700_000_000.12345, options={"samples": None}
)
RUNNING = dataclasses.replace(
    QUEUED, status="running", started_at=1_700_000_001.0, elapsed_sec=0.123456, view_seconds={0: 0.5}, total_poses=42
)
SUCCEEDED = dataclasses.replace(RUNNING, status="succeeded", ended_at=1_700_000_002.5, elapsed_sec=1.5)
FAILED = dataclasses.replace(RUNNING, status="failed", ended_at=1_700_000_002.5, error=JobError("view_blank", "words", "recenter"))
REFUSED = dataclasses.replace(QUEUED, status="timeout", ended_at=1_700_000_002.5, error=JobError("queue_timeout", "it waited"))
LATER_KEYS = {"started_at", "started", "ended_at", "ended", "returncode", "success", "error", "error_message"}


def keys(answer: JobAnswer) -> set[str]:
    return set(answer.model_dump(exclude_unset=True)) & LATER_KEYS


def test_what_is_not_known_yet_is_absent() -> None:
    assert keys(job_answer(QUEUED)) == set()
    assert keys(job_answer(RUNNING)) == {"started_at", "started"}
    assert keys(job_answer(SUCCEEDED)) == LATER_KEYS - {"error", "error_message"}
    assert keys(job_answer(FAILED)) == LATER_KEYS
    assert keys(job_answer(REFUSED)) == LATER_KEYS - {"started_at", "started"}


@pytest.mark.parametrize("record", [QUEUED, RUNNING, SUCCEEDED, FAILED, REFUSED])
def test_moments_are_unix_seconds_with_text_beside_and_durations_numbers(record: JobRecord) -> None:
    answer = job_answer(record).model_dump(exclude_unset=True)
    assert None not in answer.values()
    for name in {"created", "started", "ended"} & set(answer):
        moment = answer[f"{name}_at"]
        assert isinstance(moment, float) and datetime.fromisoformat(answer[name]).timestamp() == pytest.approx(moment, abs=0.002)
    for name in ("elapsed_sec", "processing_time"):
        assert isinstance(answer[name], float) and answer[name] == round(record.elapsed_sec or 0.0, 3)
    assert answer["options"] == {"samples": None}


def test_what_holds_a_running_job_up_is_told_while_it_does() -> None:
    assert "waiting_for" not in job_answer(RUNNING).model_dump(exclude_unset=True)
    assert job_answer(dataclasses.replace(RUNNING, waiting_for="a renderer to start")).waiting_for == "a renderer to start"


@pytest.mark.parametrize(("status", "returncode"), [("succeeded", 0), ("failed", 1), ("timeout", 124), ("canceled", 130)])
def test_the_code_that_a_process_would_return(status: JobState, returncode: int) -> None:
    answer = job_answer(dataclasses.replace(SUCCEEDED, status=status))
    assert answer.returncode == returncode and answer.success is (status == "succeeded")
    assert answer.templates_generated == (1 if status == "succeeded" else 0)


def test_a_failure_is_told_in_both_forms() -> None:
    answer = job_answer(FAILED).model_dump(exclude_unset=True)
    assert answer["error"] == {"detail": "words", "code": "view_blank", "field": "recenter"} and answer["error_message"] == "words"
    assert job_answer(REFUSED).model_dump(exclude_unset=True)["error"]["field"] is None


@pytest.mark.parametrize("record", [QUEUED, RUNNING])
def test_a_wait_that_timed_out_has_an_end_and_no_error(record: JobRecord) -> None:
    before = time.time()
    answer = wait_timeout_answer(record)
    assert answer.status == "timeout" and answer.ended_at is not None and before - 0.001 <= answer.ended_at <= time.time() + 0.001
    assert keys(answer) - {"started_at", "started"} == {"ended_at", "ended", "success"} and answer.success is False
    assert answer.elapsed_sec == round(record.elapsed_sec or 0.0, 3)


class OneJob(FakeService):
    """A service that knows one job."""

    def __init__(self, record: JobRecord) -> None:
        self.record = record

    async def job_record(self, job_id: str) -> JobRecord:
        return self.record

    async def cancel(self, job_id: str) -> JobRecord:
        return self.record

    async def job_list(self, query: JobQuery) -> JobPage:
        return JobPage([self.record], 1, None)

    async def accept(self, request: Any, group: str = "", **keys: Any) -> Any:
        return self.record


@pytest.mark.parametrize("record", [QUEUED, RUNNING, SUCCEEDED, FAILED, REFUSED])
async def test_every_route_tells_of_a_job_alike_and_as_documented(settings: Settings, record: JobRecord) -> None:
    app, body = api(settings, OneJob(record)), {"cad_path": "a", "output_dir": "b"}
    async with client(app) as http:
        document = (await http.get("/openapi.json")).json()
        answers = [
            (await http.get("/jobs/a-b")).json(),
            (await http.delete("/jobs/a-b")).json(),
            (await http.get("/jobs")).json()["jobs"][0],
            (await http.post("/render/templates?wait=true", json=body)).json(),
            (await http.put("/jobs/a-b?wait=true", json=body)).json(),
        ]
    schema = {**document["components"]["schemas"]["JobAnswer"], "components": document["components"]}
    for answer in answers:
        assert answer == answers[0]
        jsonschema.validate(answer, schema)
    assert set(answers[0]) & LATER_KEYS == keys(job_answer(record))
    assert not LATER_KEYS & set(schema["required"]) and "null" not in str([schema["properties"][key] for key in LATER_KEYS])


async def test_an_unknown_job(settings: Settings) -> None:
    async with client(api(settings)) as http:
        answer = await http.get("/jobs/unknown")
    assert answer.status_code == 404 and answer.json() == {"detail": "job not found", "code": "job_not_found", "field": "job_id"}


async def test_the_health_of_a_server(settings: Settings) -> None:
    before = time.time()
    async with client(api(settings)) as http:
        answer = (await http.get("/health")).json()
    assert (answer["status"], answer["message"]) == ("healthy", "Render Server is running")
    assert isinstance(answer["timestamp"], float) and before - 0.001 <= answer["timestamp"] <= time.time() + 0.001


def test_warnings_are_in_every_form_of_the_answer() -> None:
    told = "view 3: the error bound of standard (1.25 of 255) was not reached"
    options = {"normalize": True, "colorize": False, "base_color": 0.05}
    answer = job_answer(dataclasses.replace(SUCCEEDED, warnings=(told,), options=options))
    assert answer.warnings == [told] == render_result(answer).warnings
