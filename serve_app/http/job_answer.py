"""A job as clients see it: numbers and absent keys as clients of the older server expect them, and text beside."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from serve_app.http.cad_answer import CadSummary
from serve_app.http.responses import ErrorBody
from serve_app.jobs.record import JobRecord
from serve_app.jobs.states import FINAL_STATES, JobState
from serve_app.templates.layouts.registry import DEFAULT, published_folder

RETURNCODES: dict[JobState, int] = {"succeeded": 0, "failed": 1, "timeout": 124, "canceled": 130}
"""As a process that ended so would give them."""

Absent = SkipJsonSchema[None]
"""A key that is not in an answer while its value is not known: never null. Its routes answer with ``response_model_exclude_unset``."""


def _without_null_defaults(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        if field.get("default", "") is None:
            del field["default"]


class JobAnswer(BaseModel):
    """A job, whole. A key that is not known yet is absent."""

    model_config = ConfigDict(json_schema_extra=_without_null_defaults)

    job_id: str
    status: JobState = Field(
        description="`timeout` without `error` says only that the wait timed out: the job goes on, and `GET /jobs/{job_id}` follows it. "
        "With it, the job reached one of its time limits, and `error` says which."
    )
    cad_path: str = Field(description="As the request named it; `upload:<upload_id>/<name>` for an uploaded CAD.")
    output_dir: str = Field(description="As the request named it; `results:<job_id>` where it named none: the files are fetched over HTTP.")
    templates_dir: str = Field(description="The folder that holds, or will hold, the files: as `layout` and `output_dir` say.")
    created_at: float = Field(description="Unix seconds.")
    created: str = Field(description="The same as ISO 8601, UTC.")
    started_at: float | Absent = Field(None, description="Unix seconds; absent until it starts.")
    started: str | Absent = Field(None, description="The same as ISO 8601, UTC.")
    ended_at: float | Absent = Field(None, description="Unix seconds; absent until it ends. In the answer to a wait that timed out: now.")
    ended: str | Absent = Field(None, description="The same as ISO 8601, UTC.")
    elapsed_sec: float = Field(description="Seconds that it has run so far, or that it took; 0 before it starts.")
    processing_time: float = Field(description="The same as `elapsed_sec`.")
    log_path: str = Field(
        description="`logs/<job_id>.log`, where `logs` stands for the server's `RENDER_LOG_DIR`; `GET /jobs/{job_id}/log` has the text."
    )
    returncode: int | Absent = Field(None, description="0 when it succeeded, not 0 when it did not; absent until it ends.")
    success: bool | Absent = Field(None, description="Absent until it ends. In the answer to a wait that timed out: false.")
    rendered_count: int = Field(description="Views rendered so far.")
    templates_generated: int = Field(description="Templates published.")
    total_poses: int = Field(description="Views asked for; 0 until the cameras are known.")
    view_seconds: dict[str, float] = Field(description="Seconds of each view rendered so far.")
    error_message: str | Absent = Field(None, description="`detail` of `error`.")
    error: ErrorBody | Absent = Field(None, description="Why it did not succeed; absent from every other job.")
    warnings: list[str] = Field(
        description="Sentences about the CAD, about options that do nothing, and about views whose error is above what `quality` promises."
    )
    waiting_for: str | Absent = Field(
        None,
        description="What holds a running job up: `a renderer to start`, until its first view is rendered, or "
        "`job <job_id>, which renders the same`, until that one has. Absent otherwise.",
    )
    cached: bool = Field(description="The files are copies of an earlier, or a simultaneous, rendering of the same.")
    options: dict[str, Any] = Field(description="The options it was rendered with.")
    results_expire_at: float | Absent = Field(
        None,
        description="Unix seconds: when the server removes the files of a job without `output_dir`; earlier where it needs the room, but "
        "no sooner than an hour after its end. Absent from every other job, and until it has succeeded.",
    )
    sam6d_cad: str | Absent = Field(
        None,
        description="The CAD file to give to SAM-6D's ISM and PEM, which read it in mm: the given one where it is a .ply, .obj or .stl in "
        "mm, else `model_mm.ply`, which is there when the job has succeeded. Absent until the CAD is read, and where `outputs` leaves the "
        "mesh out.",
    )
    cad: CadSummary | Absent = Field(None, description="What the CAD is, and how large; absent until it is read.")


class JobList(BaseModel):
    """Jobs, newest first. `next` is absent from the last page."""

    model_config = ConfigDict(json_schema_extra=_without_null_defaults)

    jobs: list[JobAnswer]
    total: int = Field(description="Jobs that match the filter, on whichever page.")
    next: str | Absent = Field(None, description="`before` of the next page; absent from the last one.")


def job_answer(record: JobRecord) -> JobAnswer:
    """A job as clients see it: with the paths that they sent, and none that is the server's own."""
    error = record.error
    maybe_known = {
        "waiting_for": record.waiting_for,
        "started_at": _rounded(record.started_at),
        "started": _iso(record.started_at),
        "ended_at": _rounded(record.ended_at),
        "ended": _iso(record.ended_at),
        "returncode": RETURNCODES.get(record.status),
        "success": record.status == "succeeded" if record.status in FINAL_STATES else None,
        "results_expire_at": _rounded(record.results_expire_at),
        "sam6d_cad": (record.cad or {}).get("sam6d_cad"),
        "cad": CadSummary.model_validate(record.cad) if record.cad else None,
        "error_message": error.detail if error else None,
        "error": ErrorBody(detail=error.detail, code=error.code, field=error.field) if error else None,
    }
    elapsed_sec = round(record.elapsed_sec or 0.0, 3)
    return JobAnswer(
        job_id=record.job_id,
        status=record.status,
        cad_path=record.cad_path,
        output_dir=record.output_dir,
        templates_dir=_templates_dir(record),
        created_at=round(record.created_at, 3),
        created=_iso(record.created_at) or "",
        elapsed_sec=elapsed_sec,
        processing_time=elapsed_sec,
        log_path=f"logs/{record.job_id}.log",
        rendered_count=len(record.view_seconds),
        templates_generated=len(record.view_seconds) if record.status == "succeeded" else 0,
        total_poses=record.total_poses,
        view_seconds={str(view): round(seconds, 4) for view, seconds in record.view_seconds.items()},
        warnings=list(record.warnings),
        cached=record.cached,
        options=record.options,
        **{name: value for name, value in maybe_known.items() if value is not None},
    )


def wait_timeout_answer(record: JobRecord) -> JobAnswer:
    """A job that goes on, for a client whose wait has timed out: as the older server answered, so without ``error``."""
    now = time.time()
    ended = {"status": "timeout", "success": False, "ended_at": round(now, 3), "ended": _iso(now)}
    return job_answer(record).model_copy(update=ended)


def _templates_dir(record: JobRecord) -> str:
    options = record.options
    folder = published_folder(
        options.get("layout", DEFAULT.name), options.get("object_id"), templates_subfolder=options.get("templates_subfolder", True)
    )
    return f"{record.output_dir.rstrip('/')}/{folder}" if folder else record.output_dir


def _rounded(moment: float | None) -> float | None:
    return None if moment is None else round(moment, 3)


def _iso(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
