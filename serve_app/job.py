"""A render job and its record."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from serve_app.errors import ServiceError
from serve_app.requests import RenderRequest
from serve_app.responses import ErrorBody, JobRecord, JobStatus

RETURNCODE_FAILED = 1

_NEXT: dict[str, tuple[str, ...]] = {"queued": ("running", "failed"), "running": ("succeeded", "failed")}
"""The transitions that a job may make; the two last states are final."""


def new_job_id() -> str:
    """A job id that cannot be guessed and sorts by nothing."""
    return uuid.uuid4().hex


def _iso(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


@dataclass
class Job:
    """One CAD to render.

    Attributes:
        request: what the client asked for, paths as the client wrote them.
        cad_path: the CAD, links resolved.
        output_dir: the output folder, links resolved.
        log_path: the job's own log file.
        group: jobs of one batch request share a group; groups share the renderers evenly.
        stored: whether the job is on disk; ``accepted`` is set once that is decided.
        done: set when the job has ended.
    """

    request: RenderRequest
    cad_path: Path
    output_dir: Path
    log_path: Path
    job_id: str = field(default_factory=new_job_id)
    group: str = ""
    status: JobStatus = "queued"
    created_at: float = field(default_factory=time.time)
    started_at: float | None = None
    ended_at: float | None = None
    total_poses: int = 0
    view_seconds: dict[int, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    error: ServiceError | None = None
    stored: bool = False
    accepted: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.group = self.group or self.job_id

    @property
    def templates_dir(self) -> Path:
        """The folder that the files go to."""
        return self.output_dir / "templates" if self.request.templates_subfolder else self.output_dir

    def move_to(self, status: Literal["running", "succeeded", "failed"], error: ServiceError | None = None) -> None:
        """Make a transition; an impossible one is a ``RuntimeError``."""
        if status not in _NEXT.get(self.status, ()):
            raise RuntimeError(f"job {self.job_id} cannot go from {self.status} to {status}")
        self.status, self.error = status, error
        if status == "running":
            self.started_at = time.time()
        else:
            self.ended_at = time.time()

    def record(self) -> JobRecord:
        """The job as clients and the job store see it."""
        elapsed = None if self.started_at is None else (self.ended_at or time.time()) - self.started_at
        finished = self.status in ("succeeded", "failed")
        return JobRecord(
            job_id=self.job_id,
            status=self.status,
            cad_path=self.request.cad_path,
            output_dir=self.request.output_dir,
            templates_dir=str(self.templates_dir),
            created_at=_iso(self.created_at) or "",
            started_at=_iso(self.started_at),
            ended_at=_iso(self.ended_at),
            elapsed_sec=elapsed,
            log_path=str(self.log_path),
            returncode=(0 if self.status == "succeeded" else RETURNCODE_FAILED) if finished else None,
            success=(self.status == "succeeded") if finished else None,
            rendered_count=len(self.view_seconds),
            templates_generated=len(self.view_seconds) if self.status == "succeeded" else 0,
            total_poses=self.total_poses,
            view_seconds={str(view): round(seconds, 4) for view, seconds in sorted(self.view_seconds.items())},
            processing_time=elapsed,
            error_message=self.error.detail if self.error else None,
            error=ErrorBody(detail=self.error.detail, code=self.error.code, field=self.error.field) if self.error else None,
            warnings=list(self.warnings),
            options=self.request.model_dump(exclude={"cad_path", "output_dir"}),
        )


def failed_record(record: JobRecord, error: ServiceError) -> JobRecord:
    """A stored record of a job that will not go on, as failed."""
    changes: dict[str, Any] = {
        "status": "failed",
        "ended_at": _iso(time.time()),
        "returncode": RETURNCODE_FAILED,
        "success": False,
        "error_message": error.detail,
        "error": ErrorBody(detail=error.detail, code=error.code, field=error.field),
    }
    return record.model_copy(update=changes)
