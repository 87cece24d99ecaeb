"""A job as the store keeps it."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import Any

from serve_app.base.errors import ServiceError
from serve_app.jobs.job import Job
from serve_app.jobs.states import JobState, checked_move


@dataclass(frozen=True)
class JobError:
    """Why a job did not succeed; see ``ServiceError``."""

    code: str
    detail: str
    field: str | None = None

    @classmethod
    def of(cls, error: ServiceError) -> JobError:
        """The part of an error that is kept."""
        return cls(error.code, error.detail, error.field)


@dataclass(frozen=True)
class JobRecord:
    """One row of the store. Moments are Unix seconds, paths text.

    Attributes:
        job_id: the server's, or one of the client's own.
        status: see ``JobState``.
        cad_path: as the client wrote it.
        output_dir: as the client wrote it.
        templates_dir: the folder that holds, or will hold, the files; links resolved.
        log_path: of the job's own log.
        group: of the batch that it came with.
        request_hash: of the request, to tell a repetition from another request.
        created_at: when it was accepted.
        started_at: when it first ran.
        ended_at: when it reached a final state.
        elapsed_sec: seconds that it ran until this was stored.
        restarts_without_view: servers that began it and ended before they had rendered a view of it.
        total_poses: number of its views; 0 until its cameras are known.
        view_seconds: seconds of each view that is done, by index.
        warnings: sentences for the client.
        cached: whether the templates are copies of another rendering of the same.
        error: why it did not succeed.
        options: of the request, all but the two paths.
        cad: what the CAD is, as a value that JSON can hold; None until it is read.
        results_expire_at: when the server removes the files, where they are the server's to keep; None before the job has succeeded.
        waiting_for: what holds a job up that has its slot; of a live one alone, and not stored.
    """

    job_id: str
    status: JobState
    cad_path: str
    output_dir: str
    templates_dir: str
    log_path: str
    created_at: float
    group: str = ""
    request_hash: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    elapsed_sec: float | None = None
    restarts_without_view: int = 0
    total_poses: int = 0
    view_seconds: dict[int, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    cached: bool = False
    error: JobError | None = None
    options: dict[str, Any] = field(default_factory=dict)
    cad: dict[str, Any] | None = None
    results_expire_at: float | None = None
    waiting_for: str | None = None


def record_of(job: Job) -> JobRecord:
    """A live job as the store keeps it, at this moment. What the store alone counts, ``restarts_without_view``, is 0 in it."""
    spec, progress = job.spec, job.progress
    return JobRecord(
        job_id=spec.job_id,
        status=progress.status,
        cad_path=spec.cad_text,
        output_dir=spec.output_text,
        templates_dir=str(spec.templates_dir),
        log_path=str(spec.log_path),
        created_at=spec.created_at,
        group=spec.group,
        request_hash=spec.request_hash,
        started_at=progress.started_at,
        ended_at=progress.ended_at,
        elapsed_sec=progress.elapsed_sec,
        total_poses=progress.total_poses,
        view_seconds=dict(sorted(progress.view_seconds.items())),
        warnings=tuple(progress.warnings),
        cached=progress.cached,
        error=JobError.of(progress.error) if progress.error else None,
        options=spec.options,
        cad=progress.cad,
        results_expire_at=_expiry(job),
        waiting_for=progress.waiting_for,
    )


def _expiry(job: Job) -> float | None:
    ended_at, kept = job.progress.ended_at, job.spec.results_ttl_sec
    return None if ended_at is None or kept is None or job.progress.status != "succeeded" else ended_at + kept


def failed_record(record: JobRecord, error: ServiceError) -> JobRecord:
    """The record of a job that cannot be taken up again, as failed now."""
    status = checked_move(record.job_id, record.status, "failed")
    assert status == "failed"
    return dataclasses.replace(record, status=status, ended_at=time.time(), error=JobError.of(error))
