"""A render job and its record."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from serve_app.base.errors import ServiceError
from serve_app.http.responses import ErrorBody, JobRecord
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.states import FINAL_STATES, JobState, checked_job_move
from serve_app.service.disk_need import DiskNeed

RETURNCODES: dict[JobState, int] = {"succeeded": 0, "failed": 1, "timeout": 124, "canceled": 130}
"""As a process that ended so would give them."""


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
        created_at: seconds since the epoch.
        earlier_seconds: seconds that it ran under earlier servers.
        taken_over: whether an earlier server accepted it, and may have left views.
        resumed: how many servers began it and did not end it, since a view of it was last rendered.
        urgent: whether it goes before jobs that are not.
        large: whether its CAD may take long to read.
        request_hash: of the body that came with a key or an id of the client's own.
        work: the task that does it.
        stop_for: why the task was cancelled, if it was.
        published: whether the files are in their place; no stop comes in time after that.
        cached: whether the templates are copies of an earlier rendering of the same.
        need: room that it will take on its disk.
        stored: whether the job is on disk; ``accepted`` is set once that is decided.
        accepted: set when the job is on disk, or was refused.
        end_stored: whether the disk says how the job ended.
        done: set when the job has ended, or when this server will not go on with it.
    """

    request: RenderRequest
    cad_path: Path
    output_dir: Path
    log_path: Path
    job_id: str = field(default_factory=new_job_id)
    group: str = ""
    status: JobState = "queued"
    created_at: float = field(default_factory=time.time)
    started_at: float | None = None
    ended_at: float | None = None
    earlier_seconds: float = 0.0
    taken_over: bool = False
    resumed: int = 0
    urgent: bool = True
    large: bool = False
    request_hash: str = ""
    work: asyncio.Task[None] | None = None
    stop_for: Literal["cancel", "requeue"] | None = None
    published: bool = False
    total_poses: int = 0
    view_seconds: dict[int, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    cached: bool = False
    error: ServiceError | None = None
    need: DiskNeed | None = None
    stored: bool = False
    end_stored: bool = False
    accepted: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    # The wall clock may be moved under us: durations are measured with the monotonic one.
    _created: float = field(default_factory=time.monotonic)
    _started: float | None = None
    _ran: float | None = None

    def __post_init__(self) -> None:
        self.group = self.group or self.job_id

    @cached_property
    def templates_dir(self) -> Path:
        """The folder that the files go to."""
        return self.output_dir / "templates" if self.request.templates_subfolder else self.output_dir

    @property
    def ended(self) -> bool:
        """Whether the job is in a final state."""
        return self.status in FINAL_STATES

    @property
    def age_seconds(self) -> float:
        """Seconds since this server took the job in."""
        return time.monotonic() - self._created

    @property
    def elapsed_seconds(self) -> float | None:
        """Seconds that the job has run, under this server and earlier ones; None before it started."""
        if self._ran is not None:
            return self._ran
        if self._started is None:
            return self.earlier_seconds or None
        return self.earlier_seconds + time.monotonic() - self._started

    @property
    def bytes_to_come(self) -> int:
        """Bytes by which its disk will be fuller when it has ended."""
        if self.need is None or self.need.replaces or self.published or self.ended:
            return 0
        return self.need.bytes * (self.total_poses - len(self.view_seconds)) // self.total_poses if self.total_poses else self.need.bytes

    def move_to(self, status: JobState, error: ServiceError | None = None) -> None:
        """Make a transition; an impossible one is an ``ImpossibleMoveError``."""
        self.status = checked_job_move(self.job_id, self.status, status)
        self.error = error
        if status == "running":
            self.earlier_seconds, self._ran = self._ran or self.earlier_seconds, None
            self.started_at = self.started_at or time.time()
            self._started = time.monotonic()
        else:
            self._ran, self._started = self.elapsed_seconds, None
            self.ended_at = None if status == "queued" else time.time()

    def stop(self, reason: Literal["cancel", "requeue"]) -> None:
        """Have the task that does the job end; ``done`` is set when it has."""
        self.stop_for = self.stop_for or reason
        if self.work is not None:
            self.work.cancel()

    def record(self) -> JobRecord:
        """The job as clients and the job store see it."""
        elapsed = self.elapsed_seconds
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
            returncode=RETURNCODES.get(self.status),
            success=(self.status == "succeeded") if self.ended else None,
            rendered_count=len(self.view_seconds),
            templates_generated=len(self.view_seconds) if self.status == "succeeded" else 0,
            total_poses=self.total_poses,
            view_seconds={str(view): round(seconds, 4) for view, seconds in sorted(self.view_seconds.items())},
            processing_time=elapsed,
            error_message=self.error.detail if self.error else None,
            error=ErrorBody(detail=self.error.detail, code=self.error.code, field=self.error.field) if self.error else None,
            warnings=list(self.warnings),
            cached=self.cached,
            options=self.request.model_dump(exclude={"cad_path", "output_dir"}),
        )


def failed_record(record: JobRecord, error: ServiceError) -> JobRecord:
    """A stored record, of a job that cannot be taken up again, as failed."""
    return record.model_copy(
        update={
            "status": checked_job_move(record.job_id, record.status, "failed"),
            "ended_at": _iso(time.time()),
            "returncode": RETURNCODES["failed"],
            "success": False,
            "error_message": error.detail,
            "error": ErrorBody(detail=error.detail, code=error.code, field=error.field),
        }
    )
