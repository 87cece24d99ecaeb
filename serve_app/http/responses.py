"""The bodies that the server answers with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from serve_app.jobs.record import JobRecord
from serve_app.jobs.states import FINAL_STATES, JobState

RETURNCODES: dict[JobState, int] = {"succeeded": 0, "failed": 1, "timeout": 124, "canceled": 130}
"""As a process that ended so would give them."""


class ErrorBody(BaseModel):
    """The one form of every failure."""

    detail: str = Field(description="One sentence: what was wrong, with the value, and what to do.")
    code: str = Field(description="Machine-readable reason.")
    field: str | None = Field(default=None, description="The request field it is about, if there is one.")


class JobAnswer(BaseModel):
    """A job, whole."""

    job_id: str
    status: JobState = Field(
        description="`timeout` without `ended_at` says only that the wait ended: the job goes on, and `GET /jobs/{job_id}` follows it. "
        "With it, one of the job's clocks ran out, and `error` says which."
    )
    cad_path: str
    output_dir: str
    templates_dir: str = Field(description="The folder that holds, or will hold, the files.")
    created_at: str = Field(description="ISO 8601, UTC.")
    started_at: str | None = None
    ended_at: str | None = None
    elapsed_sec: float | None = Field(None, description="Seconds since the job started, or that it took.")
    log_path: str
    returncode: int | None = Field(None, description="0 when it succeeded, not 0 when it failed, null before.")
    success: bool | None = None
    rendered_count: int = Field(0, description="Views rendered so far.")
    templates_generated: int = Field(0, description="Templates published.")
    total_poses: int = Field(0, description="Views asked for; 0 until the cameras are known.")
    view_seconds: dict[str, float] = Field(default_factory=dict, description="Seconds of each view rendered so far.")
    processing_time: float | None = None
    error_message: str | None = None
    error: ErrorBody | None = None
    warnings: list[str] = Field(default_factory=list)
    cached: bool = Field(False, description="The files are copies of an earlier, or a simultaneous, rendering of the same.")
    options: dict[str, Any] = Field(default_factory=dict, description="The options it was rendered with.")


def _iso(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


def job_answer(record: JobRecord) -> JobAnswer:
    """A job as clients see it."""
    error = ErrorBody(detail=record.error.detail, code=record.error.code, field=record.error.field) if record.error else None
    return JobAnswer(
        job_id=record.job_id,
        status=record.status,
        cad_path=record.cad_path,
        output_dir=record.output_dir,
        templates_dir=record.templates_dir,
        created_at=_iso(record.created_at) or "",
        started_at=_iso(record.started_at),
        ended_at=_iso(record.ended_at),
        elapsed_sec=record.elapsed_sec,
        log_path=record.log_path,
        returncode=RETURNCODES.get(record.status),
        success=(record.status == "succeeded") if record.status in FINAL_STATES else None,
        rendered_count=len(record.view_seconds),
        templates_generated=len(record.view_seconds) if record.status == "succeeded" else 0,
        total_poses=record.total_poses,
        view_seconds={str(view): round(seconds, 4) for view, seconds in record.view_seconds.items()},
        processing_time=record.elapsed_sec,
        error_message=record.error.detail if record.error else None,
        error=error,
        warnings=list(record.warnings),
        cached=record.cached,
        options=record.options,
    )


class AcceptedJob(BaseModel):
    """Answer to a request that does not wait."""

    job_id: str
    status: JobState = Field("queued", description="Other than `queued` only when an earlier request has begun the same job.")


class JobList(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobAnswer]
    total: int = Field(description="Jobs that match the filter, listed or not.")


class RenderResult(BaseModel):
    """Answer of `POST /api/v1/render-templates`."""

    success: bool
    total_poses: int
    rendered_count: int
    output_dir: str = Field(description="The folder that holds the templates.")
    cad_path: str
    normalize: bool
    colorize: bool
    base_color: float
    rendering_time: float
    job_id: str
    cached: bool = False
    warnings: list[str] = Field(default_factory=list)


class BatchItemResult(BaseModel):
    """What became of one item of a batch."""

    index: int = Field(description="Position in the request's list.")
    success: bool
    cad_path: str | None = None
    job_id: str | None = None
    result: RenderResult | None = None
    error: ErrorBody | None = None


class BatchResponse(BaseModel):
    """Answer of `POST /api/v1/render-templates-batch`."""

    success: bool = Field(description="Whether every item succeeded.")
    total: int
    succeeded: int
    failed: int
    results: list[BatchItemResult] = Field(description="One an item, in the request's order.")


class Health(BaseModel):
    """Answer of `GET /health`."""

    status: Literal["healthy"] = "healthy"
    message: str
    timestamp: str


class RendererInfo(BaseModel):
    """One renderer."""

    id: str
    state: Literal["starting", "ready", "busy", "failed"]
    device: str | None = Field(None, description="For example `CPU`, `OPTIX: NVIDIA H200`; null until it has started.")
    node: str
    pid: int | None = None
    cores: list[int] = Field(default_factory=list, description="CPU cores it is pinned to.")
    memory_bytes: int | None = None
    start_seconds: float | None = None
    restarts: int = Field(0, description="Blenders that it has lost.")
    recycled: int = Field(0, description="Blenders that it has replaced in good order.")
    error: ErrorBody | None = None


class MachineInfo(BaseModel):
    """The machine that the ingress runs on."""

    cpu_count: int
    cpu_percent: float
    memory_total_bytes: int
    memory_available_bytes: int
    disk_free_bytes: dict[str, int] = Field(description="Free bytes by output root.")


class ServerStatus(BaseModel):
    """Answer of `GET /api/v1/status`."""

    server: Literal["running"] = "running"
    renderer_ready: bool = Field(description="Whether a Blender has really rendered a pixel and is alive.")
    uptime: float = Field(description="Seconds.")
    version: str
    draining: bool = Field(False, description="Whether the server is about to stop and takes no new jobs.")
    renderers: list[RendererInfo]
    jobs_queued: int
    jobs_running: int
    machine: MachineInfo
