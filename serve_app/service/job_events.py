"""Writes what happens to jobs into the event log, and tells how they stand as events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from serve_app.jobs.event_log import Event, EventLog
from serve_app.jobs.job import Job
from serve_app.jobs.record import JobError, JobRecord
from serve_app.jobs.states import FINAL_STATES
from serve_app.service.live_jobs import LiveJobs

POSITIONS_SEC = 2.0
"""How old places in the queue may be that are told to those who follow a job that waits."""

TOLD_QUEUED = 100
"""Jobs that wait which a new listener to all jobs is told of; ``GET /jobs`` lists the others."""


class JobEvents:
    """The only writer of the event log.

    Args:
        jobs: the live ones.
        clock: seconds, never going back.

    Attributes:
        log: what has happened.
        on_finished: called when a job has ended.
    """

    def __init__(self, jobs: LiveJobs, clock: Callable[[], float] = time.monotonic) -> None:
        self.log, self._clock = EventLog(), clock
        self.on_finished: Callable[[], None] = lambda: None
        self._jobs = jobs
        self._present: tuple[int, list[Event]] | None = None
        self._positions: dict[str, int] = {}
        self._positions_until = float("-inf")

    def follow(self, job: Job) -> None:
        """Have what happens to a job logged, from now on."""
        job.progress.listener = _Follower(job, self, self._jobs)

    def removed(self, job_ids: Iterable[str]) -> None:
        """The server has forgotten these jobs."""
        for job_id in job_ids:
            self.log.append("removed", {"job_id": job_id})

    def are_over(self, job_id: str, after: int) -> bool:
        """Whether nothing is to be told of a job, which has ended, after this number."""
        events = self.log.since(after)
        return self._jobs.get(job_id) is None and events is not None and all(event.data["job_id"] != job_id for event in events)

    def position(self, job_id: str) -> int | None:
        """Place of a job in the queue, from 1, among those of its kind; at most ``POSITIONS_SEC`` old. None where it does not wait."""
        # Thousands may follow jobs that wait, in a queue of thousands: it is counted once for all of them.
        if self._clock() >= self._positions_until:
            self._positions = self._jobs.positions()
            self._positions_until = self._clock() + POSITIONS_SEC
        return self._positions.get(job_id)

    def present(self) -> list[Event]:
        """How the jobs stand that have not ended: ``started`` of each that runs, and ``queued`` of the oldest ``TOLD_QUEUED``."""
        # Thousands may ask at once, as after a restart, and the queue may have thousands of jobs.
        if self._present is None or self._present[0] != self.log.last:
            live = [job for job in self._jobs.all() if job.progress.phase not in ("arriving", "refused") and not job.progress.ended]
            running = [job for job in live if job.progress.status != "queued"]
            queued = islice((job for job in live if job.progress.status == "queued"), TOLD_QUEUED)
            positions = self._jobs.positions()
            told = [Event("started", _start(job.job_id, len(job.progress.view_seconds), job.progress.total_poses)) for job in running]
            told += [Event("queued", {"job_id": job.job_id, "position": positions.get(job.job_id, 1)}) for job in queued]
            self._present = (self.log.last, told)
        return list(self._present[1])

    def present_of(self, record: JobRecord) -> list[Event]:
        """How one job stands, as the events that would have led there; the last one is ``finished`` where it has ended."""
        job_id = record.job_id
        if record.status == "queued":
            return [Event("queued", {"job_id": job_id, "position": self.position(job_id) or self._jobs.positions().get(job_id, 1)})]
        views = record.view_seconds.items()
        told = [Event("started", _start(job_id, len(views), record.total_poses))] if record.started_at is not None else []
        told += [Event("view", _view(job_id, view, taken, done, record.total_poses)) for done, (view, taken) in enumerate(views, 1)]
        told += [Event("warning", {"job_id": job_id, "warning": warning}) for warning in record.warnings]
        if record.status in FINAL_STATES:
            told.append(Event("finished", _end(job_id, record.status, record.error)))
        return told


class _Follower:
    """Logs what happens to one job."""

    def __init__(self, job: Job, events: JobEvents, jobs: LiveJobs) -> None:
        self._job, self._events, self._log, self._jobs = job, events, events.log, jobs

    def queued(self) -> None:
        position = self._jobs.queued_of_kind(self._job.spec.interactive)
        self._log.append("queued", {"job_id": self._job.job_id, "position": position})

    def started(self) -> None:
        progress = self._job.progress
        self._log.append("started", _start(self._job.job_id, len(progress.view_seconds), progress.total_poses))

    def views_done(self, seconds: Mapping[int, float]) -> None:
        progress = self._job.progress
        before = len(progress.view_seconds) - len(seconds)
        for done, (view, taken) in enumerate(seconds.items(), before + 1):
            self._log.append("view", _view(self._job.job_id, view, taken, done, progress.total_poses))

    def warned(self, warnings: Sequence[str]) -> None:
        for warning in warnings:
            self._log.append("warning", {"job_id": self._job.job_id, "warning": warning})

    def finished(self) -> None:
        error = self._job.progress.error
        self._log.append("finished", _end(self._job.job_id, self._job.progress.status, JobError.of(error) if error else None))
        self._events.on_finished()


def _start(job_id: str, rendered_count: int, total_poses: int) -> dict[str, Any]:
    return {"job_id": job_id, "rendered_count": rendered_count, "total_poses": total_poses}


def _view(job_id: str, view: int, seconds: float, rendered_count: int, total_poses: int) -> dict[str, Any]:
    return {"job_id": job_id, "view": view, "seconds": round(seconds, 4), "rendered_count": rendered_count, "total_poses": total_poses}


def _end(job_id: str, status: str, error: JobError | None) -> dict[str, Any]:
    told = {"job_id": job_id, "status": status}
    return told if error is None else {**told, "error": {"detail": error.detail, "code": error.code, "field": error.field}}
