"""Decides at the door whether a job is accepted beside those that are there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from serve_app.base.disk import disk_space
from serve_app.base.errors import ServiceError
from serve_app.jobs.job import Job, JobSpec

_MAX_RETRY_SEC = 600

_SHARED_MEMORY = Path("/dev/shm")
_SHARED_MEMORY_SHARE = 10
"""Shared memory is small in containers: a tenth of it must be free, or the bound where that is less."""


def check_queue(live: Iterable[Job], max_queued: int, seconds_a_job: float) -> None:
    """Refuse a job when too many wait for a slot.

    Args:
        live: jobs that have not ended.
        max_queued: how many may wait.
        seconds_a_job: how long jobs have taken lately, to say when to come back.

    Raises:
        ServiceError: ``queue_full``, with when to try again.
    """
    queued = sum(job.progress.status == "queued" for job in live)
    if queued >= max_queued:
        retry = max(1, min(_MAX_RETRY_SEC, round(seconds_a_job)))
        raise ServiceError(
            "queue_full",
            f"the queue is full: {queued} jobs wait (RENDER_MAX_QUEUED_JOBS is {max_queued}); try again in {retry} s",
            retry_after_sec=retry,
        )


def check_output(spec: JobSpec, live: Iterable[Job]) -> None:
    """Refuse a job whose folder another, different one is going to publish.

    Args:
        spec: of the new job.
        live: the jobs beside it. One that has ended does not count, whether or not its end is stored yet.

    Raises:
        ServiceError: ``output_busy``.
    """
    # Text: a batch compares each of its items with thousands of jobs, and comparing paths takes twenty times as long.
    target = f"{spec.templates_dir}/"
    for other in live:
        theirs = f"{other.spec.templates_dir}/"
        if not (target.startswith(theirs) or theirs.startswith(target)) or other.progress.ended:
            continue
        if target == theirs and _essence(spec) == _essence(other.spec):
            return  # What would be in this job's way would have been in the way of that one.
        raise ServiceError(
            "output_busy",
            f"output_dir {spec.request.output_dir!r} is being written by job {other.job_id}, which renders something else; wait for it, "
            "cancel it, or use another output_dir",
            "output_dir",
            retry_after_sec=10,
        )


def _essence(spec: JobSpec) -> tuple[Any, ...]:
    """Two jobs that are equal in this give the same files."""
    return spec.cad_path, spec.request.model_dump(exclude={"cad_path", "output_dir", "priority"})


def check_room(spec: JobSpec, live: Iterable[Job], data_dir: Path, min_free_bytes: int) -> None:
    """Refuse a job that a disk has no room for.

    Args:
        spec: says how much the job will write, and where.
        live: the jobs that are accepted and have not ended; what they have yet to write to the same disk is theirs.
        data_dir: of the job store and the cache.
        min_free_bytes: that must stay free beside what the jobs write; with 0 nothing is refused.

    Raises:
        ServiceError: ``storage_full``.
    """
    if not min_free_bytes:
        return
    need = spec.disk_need
    same_disk = (other for other in live if need and other.spec.disk_need and other.spec.disk_need.disk == need.disk)
    promised = sum(other.bytes_to_come for other in same_disk)
    templates = need.bytes if need else 0
    places = (
        (spec.output_dir, f"output_dir {spec.request.output_dir!r}", min_free_bytes + templates + promised, "output_dir"),
        (data_dir, "the server's data folder", min_free_bytes, None),
        (_SHARED_MEMORY, "shared memory (/dev/shm)", min_free_bytes, None),
    )
    for path, name, needed, field in places:
        free, total = disk_space(path)
        if path is _SHARED_MEMORY:
            needed = min(needed, total // _SHARED_MEMORY_SHARE)
        if free < needed:
            others = f", {promised / 2**20:.0f} of them for jobs that were accepted before" if promised and path is spec.output_dir else ""
            raise ServiceError(
                "storage_full",
                f"{name} has {free / 2**20:.0f} MiB free and {needed / 2**20:.0f} MiB are needed{others}; make room, or have the operator "
                "change RENDER_MIN_FREE_BYTES",
                field,
                retry_after_sec=60,
            )
