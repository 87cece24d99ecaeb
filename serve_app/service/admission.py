"""Decides at the door whether a job is accepted beside those that are there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serve_app.base.disk import disk_space
from serve_app.base.errors import ServiceError
from serve_app.jobs.job import JobSpec
from serve_app.service.live_jobs import LiveJobs

_MAX_RETRY_SEC = 600

RESULTS_SETTING = "RENDER_RESULTS_MAX_BYTES"
"""Bounds a place that only jobs without an output folder write to."""

_SHARED_MEMORY = Path("/dev/shm")
_SHARED_MEMORY_SHARE = 10
"""Shared memory is small in containers: a tenth of it must be free, or the bound where that is less."""


def check_not_draining(draining: bool) -> None:
    """Refuse what only a server that goes on can do.

    Raises:
        ServiceError: ``draining``.
    """
    if draining:
        raise ServiceError(
            "draining", "the server is stopping and takes no new jobs; send the request again in a moment", retry_after_sec=15
        )


def check_queue(queued: int, max_queued: int, seconds_a_job: float) -> None:
    """Refuse a job when too many wait for a slot.

    Args:
        queued: jobs that wait.
        max_queued: how many may wait.
        seconds_a_job: how long jobs have taken lately, to say when to come back.

    Raises:
        ServiceError: ``queue_full``, with when to try again.
    """
    if queued >= max_queued:
        retry = max(1, min(_MAX_RETRY_SEC, round(seconds_a_job)))
        raise ServiceError(
            "queue_full",
            f"the queue is full: {queued} jobs wait (RENDER_MAX_QUEUED_JOBS is {max_queued}); try again in {retry} s",
            retry_after_sec=retry,
        )


def check_output(spec: JobSpec, live: LiveJobs) -> None:
    """Refuse a job whose folder another, different one is going to publish.

    Args:
        spec: of the new job.
        live: the jobs beside it. One that has ended does not count, whether or not its end is stored yet.

    Raises:
        ServiceError: ``output_busy``.
    """
    other = live.in_the_way(str(spec.templates_dir))
    if other is None:
        return
    if spec.templates_dir == other.spec.templates_dir and _essence(spec) == _essence(other.spec):
        return  # What would be in this job's way would have been in the way of that one.
    raise ServiceError(
        "output_busy",
        f"output_dir {spec.output_text!r} is being written by job {other.job_id}, which renders something else; wait for it, "
        "cancel it, or use another output_dir",
        "output_dir",
        retry_after_sec=10,
    )


def _essence(spec: JobSpec) -> tuple[Any, ...]:
    """Two jobs that are equal in this give the same files."""
    return spec.cad_path, spec.request.model_dump(exclude={"cad_path", "upload_id", "cad", "output_dir", "priority"})


@dataclass(frozen=True)
class Place:
    """Somewhere that must have room before a job is accepted.

    Attributes:
        name: for the message.
        free: bytes that are free there.
        needed: bytes that must be, beside what other jobs have yet to write.
        field: the field of the request that chose it, if one did.
        shared: whether other jobs write there, too.
        setting: that bounds it.
    """

    name: str
    free: int
    needed: int
    field: str | None = None
    shared: bool = False
    setting: str = "RENDER_MIN_FREE_BYTES"


def places_of(spec: JobSpec, data_dir: Path, min_free_bytes: int) -> tuple[Place, ...]:
    """Where a job needs room, and how much there is at this moment; looks at disks.

    Args:
        spec: says how much the job will write, and where.
        data_dir: of the job store and the cache.
        min_free_bytes: that must stay free beside what the jobs write; with 0 nothing is looked at.
    """
    if not min_free_bytes:
        return ()
    templates = spec.disk_need.bytes if spec.disk_need else 0
    memory_free, memory_total = disk_space(_SHARED_MEMORY)
    return (
        Place(f"output_dir {spec.output_text!r}", disk_space(spec.output_dir)[0], min_free_bytes + templates, "output_dir", shared=True),
        Place("the server's data folder", disk_space(data_dir)[0], min_free_bytes),
        Place("shared memory (/dev/shm)", memory_free, min(min_free_bytes, memory_total // _SHARED_MEMORY_SHARE)),
    )


def check_room(places: tuple[Place, ...], spec: JobSpec, live: LiveJobs) -> None:
    """Refuse a job that a disk has no room for.

    Args:
        places: of the job.
        spec: says which disk it will write to.
        live: the jobs beside it; what they have yet to write to the same disk is theirs.

    Raises:
        ServiceError: ``storage_full``.
    """
    promised = live.bytes_to_come(spec.disk_need.disk) if spec.disk_need else 0
    for place in places:
        theirs = (live.results_to_come if place.setting == RESULTS_SETTING else promised) if place.shared else 0
        needed = place.needed + theirs
        if place.free < needed:
            others = f", {theirs / 2**20:.0f} of them for jobs that were accepted before" if theirs else ""
            raise ServiceError(
                "storage_full",
                f"{place.name} has {place.free / 2**20:.0f} MiB free and {needed / 2**20:.0f} MiB are needed{others}; make room, or have "
                "the operator change " + place.setting,
                place.field,
                retry_after_sec=60,
            )
