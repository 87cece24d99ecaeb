"""Several jobs canceled by one request."""

from __future__ import annotations

from typing import Any

import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.jobs.record import JobRecord
from tests.unit.serve_app.http.fake_server import FakeService, api, client


class SomeJobs(FakeService):
    """Has jobs that begin with ``a``; those that begin with ``ad`` are done."""

    async def cancel(self, job_id: str) -> JobRecord:
        if not job_id.startswith("a"):
            raise ServiceError("job_not_found", "job not found", "job_id")
        status: Any = "succeeded" if job_id.startswith("ad") else "canceled"
        return JobRecord(job_id, status, "a.ply", "out", "/x/out/templates", "/x/logs/a.log", created_at=1.0)


async def test_each_job_has_its_answer(settings: Settings) -> None:
    async with client(api(settings, SomeJobs())) as http:
        answer = await http.post("/api/v1/jobs/cancel", json={"job_ids": ["a1", "x", "ad", "a2"]})
    assert answer.status_code == 200
    assert answer.json() == {
        "canceled": 2,
        "results": [
            {"job_id": "a1", "status": "canceled"},
            {"job_id": "x", "error": {"detail": "job not found", "code": "job_not_found", "field": "job_id"}},
            {"job_id": "ad", "status": "succeeded"},
            {"job_id": "a2", "status": "canceled"},
        ],
    }


@pytest.mark.parametrize("ids", [[], ["../x"], [3], "a1", ["a"] * 4, None])
async def test_a_wrong_list_is_refused(settings: Settings, ids: object) -> None:
    async with client(api(settings, SomeJobs(), max_batch_items=3)) as http:
        answer = await http.post("/api/v1/jobs/cancel", json={"job_ids": ids})
    assert answer.status_code == 422 and answer.json()["field"].startswith("job_ids")
