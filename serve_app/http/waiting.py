"""The answer to a request that waits for its job."""

from __future__ import annotations

import asyncio
import contextlib

from serve_app.http.job_answer import JobAnswer, job_answer, wait_timeout_answer
from serve_app.jobs.job import Job
from serve_app.jobs.record import JobRecord, record_of


async def answer_when_ended(job: Job | JobRecord, timeout: float | None = None) -> JobAnswer:
    """Wait for a job; the job goes on whatever becomes of the wait.

    Args:
        job: live, or the record of one that has ended.
        timeout: seconds to wait at most; 0 or less does not wait.

    Returns:
        The job; of one that goes on, after ``timeout`` or because the server stops, it says ``timeout`` and has no ``error``.
    """
    if isinstance(job, JobRecord):
        return job_answer(job)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(job.progress.wait_released(), timeout)
    return (job_answer if job.progress.ended else wait_timeout_answer)(record_of(job))
