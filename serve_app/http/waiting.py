"""The answer to a request that waits for its job."""

from __future__ import annotations

import asyncio
import contextlib

from serve_app.http.responses import JobRecord
from serve_app.jobs.job import Job


async def record_when_ended(job: Job | JobRecord, timeout: float | None = None) -> JobRecord:
    """Wait for a job; the job goes on whatever becomes of the wait.

    Args:
        job: live, or the record of one that has ended.
        timeout: seconds to wait at most.

    Returns:
        Its record; of a job that goes on, after ``timeout`` or because the server stops, the record says ``timeout``.
    """
    if isinstance(job, JobRecord):
        return job
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(job.done.wait(), timeout)
    return job.record() if job.ended else job.record().model_copy(update={"status": "timeout"})
