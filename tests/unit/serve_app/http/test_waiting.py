"""What a client gets that waits for its job."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.http.v1 import render_result
from serve_app.http.waiting import answer_when_ended
from serve_app.jobs.job import Job
from serve_app.jobs.record import record_of
from tests.unit.serve_app.http.fake_server import FakeService, api, client
from tests.unit.serve_app.made import accepted_job, running_job

BODY = {"cad_path": "a", "output_dir": "b"}


class OneJob(FakeService):
    """Accepts every request as the same job."""

    def __init__(self, job: Job) -> None:
        self.job = job

    async def accept(self, request: Any, group: str = "", **keys: Any) -> Any:
        return self.job


def end(job: Job, error: ServiceError | None = None) -> None:
    if error is None:
        job.progress.publish()
        job.progress.succeed()
    else:
        job.progress.fail(error)
    job.progress.release()


async def test_a_wait_ends_with_the_job() -> None:
    job = running_job()
    waiting = asyncio.create_task(answer_when_ended(job, 60))
    await asyncio.sleep(0)
    assert not waiting.done()
    end(job)
    answer = await waiting
    assert answer.status == "succeeded" and answer.returncode == 0
    assert (await answer_when_ended(record_of(job))).status == "succeeded"


@pytest.mark.parametrize("limit", ["0", "-5", "0.01", "0.0"])
@pytest.mark.parametrize("make", [accepted_job, running_job])
async def test_a_wait_that_times_out_or_may_not_wait_is_answered(settings: Settings, limit: str, make: Any) -> None:
    job = make()
    async with client(api(settings, OneJob(job))) as http:
        sent = await http.post("/render/templates", params={"wait": "true", "wait_timeout_sec": limit}, json=BODY)
    answer = sent.json()
    assert sent.status_code == 200 and answer["status"] == "timeout" and answer["job_id"] == job.job_id
    assert isinstance(answer["ended_at"], float) and isinstance(answer["elapsed_sec"], float) and "error" not in answer
    assert job.progress.status in ("queued", "running")


async def test_a_job_that_has_ended_is_told_whole_however_short_the_wait(settings: Settings) -> None:
    job = running_job()
    end(job, ServiceError("view_blank", "words"))
    async with client(api(settings, OneJob(job))) as http:
        sent = await http.post("/render/templates", params={"wait": "true", "wait_timeout_sec": "0"}, json=BODY)
    assert sent.json()["status"] == "failed" and sent.json()["error"]["code"] == "view_blank"


@pytest.mark.parametrize("limit", ["many", "nan", "inf", "86401"])
async def test_a_limit_that_is_none_is_refused(settings: Settings, limit: str) -> None:
    async with client(api(settings)) as http:
        sent = await http.post("/render/templates", params={"wait": "true", "wait_timeout_sec": limit}, json=BODY)
    assert sent.status_code == 422 and sent.json()["field"] == "wait_timeout_sec"


async def test_v1_answers_with_the_result_or_the_jobs_error(settings: Settings) -> None:
    job = running_job("/out/a", colorize=True, base_color=0.2)
    end(job)
    async with client(api(settings, OneJob(job))) as http:
        answer = (await http.post("/api/v1/render-templates", json=BODY)).json()
    assert answer["success"] is True and answer["output_dir"] == "/out/a/templates" and answer["job_id"] == job.job_id
    assert (answer["normalize"], answer["colorize"], answer["base_color"]) == (True, True, 0.2)
    assert isinstance(answer["rendering_time"], float) and answer["rendering_time"] == round(answer["rendering_time"], 3)
    failed = running_job()
    end(failed, ServiceError("cad_invalid", "words", "cad_path"))
    async with client(api(settings, OneJob(failed))) as http:
        refused = await http.post("/api/v1/render-templates", json=BODY)
    assert refused.status_code == 422 and refused.json() == {"detail": "words", "code": "cad_invalid", "field": "cad_path"}


async def test_a_job_that_the_next_server_goes_on_with_is_no_result() -> None:
    job = running_job()
    job.progress.put_back()
    job.progress.release()
    with pytest.raises(ServiceError, match=f"job {job.job_id} goes on") as caught:
        render_result(await answer_when_ended(job))
    assert caught.value.code == "draining"
