"""Decides at the door whether a job is accepted beside those that are there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from serve_app.base.errors import ServiceError
from serve_app.jobs.job import Job

_LONGEST_RETRY_SEC = 600


def check_queue(live: Iterable[Job], most_queued: int, seconds_a_job: float) -> None:
    """Refuse a job when too many wait for their turn.

    Args:
        live: jobs that have not ended.
        most_queued: how many may wait.
        seconds_a_job: how long jobs have taken lately, to say when to come back.

    Raises:
        ServiceError: ``queue_full``, with when to try again.
    """
    queued = sum(job.status == "queued" for job in live)
    if queued >= most_queued:
        retry = max(1, min(_LONGEST_RETRY_SEC, round(seconds_a_job)))
        raise ServiceError(
            "queue_full",
            f"{queued} jobs wait already (RENDER_MAX_QUEUED_JOBS is {most_queued}); try again in {retry} s",
            retry_after_sec=retry,
        )


def check_output(job: Job, live: Iterable[Job]) -> None:
    """Refuse a job whose folder another, different one is going to publish.

    Args:
        job: new.
        live: the jobs beside it. One that has ended does not count, whether or not its end is stored yet.

    Raises:
        ServiceError: ``output_busy``.
    """
    # Text: a batch compares each of its items with thousands of jobs, and comparing paths takes twenty times as long.
    target = f"{job.templates_dir}/"
    for other in live:
        theirs = f"{other.templates_dir}/"
        if not (target.startswith(theirs) or theirs.startswith(target)) or other.ended:
            continue
        if target == theirs and _same_rendering(job, other):
            return  # What would be in this job's way would have been in the way of that one.
        raise ServiceError(
            "output_busy",
            f"output_dir {job.request.output_dir!r} is being written by job {other.job_id}, which renders something else; wait for it, "
            "cancel it, or use another output_dir",
            "output_dir",
            retry_after_sec=10,
        )


def _same_rendering(one: Job, other: Job) -> bool:
    def essence(job: Job) -> tuple[Any, ...]:
        return job.cad_path, job.request.model_dump(exclude={"cad_path", "output_dir", "priority"})

    return essence(one) == essence(other)
