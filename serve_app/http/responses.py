"""The bodies that the server answers with."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from serve_app.http.cad_answer import CadSummary
from serve_app.jobs.states import JobState


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class FindingBody(BaseModel):
    """One of several things that are wrong with a request."""

    field: str | None = Field(None, description="The request field it is about, if there is one.")
    detail: str = Field(description="One sentence: what is wrong, with the value, and what to do.")


class ErrorBody(BaseModel):
    """The one form of every failure."""

    detail: str = Field(description="One sentence: what was wrong, with the value, and what to do.")
    code: str = Field(description="Machine-readable reason.")
    field: str | None = Field(default=None, description="The request field it is about, if there is one.")
    errors: list[FindingBody] | SkipJsonSchema[None] = Field(
        None,
        exclude_if=lambda errors: errors is None,
        json_schema_extra=_without_default,
        description="Each thing that is wrong with the request, the one that `detail` begins with first; absent where there is only that.",
    )


class AcceptedJob(BaseModel):
    """Answer to a request that does not wait."""

    job_id: str
    status: JobState = Field("queued", description="Other than `queued` only when an earlier request has begun the same job.")


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
    rendering_time: float = Field(description="Seconds.")
    job_id: str
    cached: bool = False
    warnings: list[str] = Field(default_factory=list)
    sam6d_cad: str | None = Field(None, description="The CAD file to give to ISM and PEM; null where there is none in mm.")
    cad: CadSummary | None = Field(None, description="What the CAD is, and how large; null for jobs of servers that did not tell it.")


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


class CancelResult(BaseModel):
    """What became of one job of a cancel request: its state, or why it could not be canceled."""

    job_id: str
    status: JobState | None = Field(None, description="`canceled`, or the state in which it had ended before.")
    error: ErrorBody | None = None


class CancelResponse(BaseModel):
    """Answer of `POST /api/v1/jobs/cancel`."""

    canceled: int = Field(description="How many of the jobs are canceled now.")
    results: list[CancelResult] = Field(description="One a job, in the request's order.")


class Health(BaseModel):
    """Answer of `GET /health`."""

    status: Literal["healthy"] = "healthy"
    message: str
    timestamp: float = Field(description="Unix seconds.")


class Ready(BaseModel):
    """Answer of `GET /ready`, where it is no failure."""

    status: Literal["ready"] = "ready"
    message: str = Field(examples=["Render Server is ready to render"])


class RendererInfo(BaseModel):
    """One renderer."""

    id: str
    state: Literal["starting", "ready", "busy", "failed", "lost"] = Field(
        description="`ready` is idle. `lost`: it has told nothing for seconds; its node may be gone. It is named so for some minutes."
    )
    device: str | None = Field(None, description="For example `CPU`, `OPTIX: NVIDIA H200`; null until it has started.")
    node: str = Field(description="Ray's id of its node.")
    node_address: str = Field("", description="IP address of its node.")
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
    disk_free_bytes: dict[str, int] = Field(description="Free bytes by output root, as `RENDER_OUTPUT_ROOTS` names it.")


class KeptFiles(BaseModel):
    """Files that the server keeps for clients for a while."""

    bytes: int
    max_bytes: int = Field(description="Bytes that they may have together.")
    count: int
    ttl_sec: float = Field(description="Seconds for which each is kept.")


class CacheInfo(BaseModel):
    """Finished templates that are copied instead of rendered again."""

    bytes: int
    max_bytes: int = Field(description="Bytes that they may have together; 0 where none are kept.")
    count: int = Field(description="Renderings that are kept.")


class UploadsInfo(KeptFiles):
    """Uploads, and what one of them may have."""

    max_file_bytes: int
    max_upload_bytes: int = Field(description="Bytes of all files of one upload.")
    max_files: int = Field(description="Files of one upload.")


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
    uploads: UploadsInfo = Field(description="Files of clients that do not share the server's disk.")
    results: KeptFiles = Field(description="Results of jobs without `output_dir`.")
    cache: CacheInfo
