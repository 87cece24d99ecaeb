"""The HTTP routes: they read a request, call the service and shape the answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request
from fastapi.responses import PlainTextResponse

from serve_app.base.errors import ServiceError
from serve_app.base.logs import server_event
from serve_app.base.settings import Settings
from serve_app.http.docs import docs_router
from serve_app.http.errors import HANDLERS, error_body, failure
from serve_app.http.json_body import JsonRoute
from serve_app.http.responses import (
    AcceptedJob,
    BatchItemResult,
    BatchResponse,
    ErrorBody,
    Health,
    JobAnswer,
    JobList,
    RenderResult,
    ServerStatus,
    job_answer,
)
from serve_app.http.security import key_in_openapi, secure
from serve_app.http.wait_limit import WaitingRequests
from serve_app.jobs.job import Job, new_job_id
from serve_app.jobs.record import JobRecord, record_of
from serve_app.jobs.request import BatchRequest, RenderRequest
from serve_app.jobs.states import JobState
from serve_app.service.service import RenderService

_FAILURES = {
    403: "A path lies outside the allowed folders, or may not be read or written.",
    404: "The CAD, the poses file or the job is not there.",
    408: "The request body did not come in time.",
    409: "The output folder holds something else than templates or is being written, the key or id is another request's, or the job was "
    "canceled.",
    413: "The request body or the CAD is too large.",
    415: "The body is not sent as JSON, or the CAD's format is not one that is read.",
    422: "The request, the CAD or a view is not usable.",
    429: "Too many jobs wait, or too many requests for their job; `Retry-After` says when to come back.",
    500: "Blender failed, or the server has a fault.",
    503: "No renderer could do it, the job store cannot be written, or the server is stopping.",
    504: "One of the job's clocks ran out.",
    507: "A disk is full.",
}
"""What each failure's status means; a route that can answer with it names it in ``_only``."""


def _only(*codes: int) -> dict[int | str, dict[str, Any]]:
    return {code: failure(_FAILURES[code]) for code in codes}


async def _ended(job: Job | JobRecord, timeout: float | None = None) -> JobAnswer:
    """Wait for a job; the job goes on whatever becomes of the wait.

    Returns:
        The job; of one that goes on, after ``timeout`` or because the server stops, it says ``timeout``.
    """
    if isinstance(job, JobRecord):
        return job_answer(job)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(job.progress.wait_released(), timeout)
    answer = job_answer(record_of(job))
    return answer if job.progress.ended else answer.model_copy(update={"status": "timeout"})


def _result(record: JobAnswer) -> RenderResult:
    if record.error is not None:
        raise ServiceError(record.error.code, record.error.detail, record.error.field)
    if record.status != "succeeded":
        raise ServiceError("draining", f"the server is stopping; job {record.job_id} goes on when it starts again: GET /jobs follows it")
    return RenderResult(
        success=record.status == "succeeded",
        total_poses=record.total_poses,
        rendered_count=record.rendered_count,
        output_dir=record.templates_dir,
        cad_path=record.cad_path,
        normalize=record.options["normalize"],
        colorize=record.options["colorize"],
        base_color=record.options["base_color"],
        rendering_time=record.elapsed_sec or 0.0,
        job_id=record.job_id,
        cached=record.cached,
        warnings=record.warnings,
    )


def _service(request: Request) -> RenderService:
    service: RenderService = request.app.state.get_service()
    return service


def _waiting(request: Request) -> WaitingRequests:
    waiting: WaitingRequests = request.app.state.waiting
    return waiting


Service = Annotated[RenderService, Depends(_service)]
Waiting = Annotated[WaitingRequests, Depends(_waiting)]
Wait = Annotated[bool, Query(description="Answer when the job has ended.")]
WaitTimeout = Annotated[
    float | None,
    Query(gt=0, le=86400, allow_inf_nan=False, description="With `wait`: answer `timeout` after so many seconds; the job goes on."),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1, max_length=200, pattern=r"^[!-~]+$", description="Of your own making: one key, one job, however often it is sent."
    ),
]
JobId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="The job's id: the server's, or one of your own.")]
public_router = APIRouter()
"""What is answered without the API key."""

router = APIRouter(route_class=JsonRoute)
"""Everything else."""


@public_router.get("/health", tags=["server"])
async def health() -> Health:
    """Whether the server answers. Whether it can render yet, `/api/v1/status` says."""
    return Health(message="Render server is running", timestamp=datetime.now(UTC).isoformat(timespec="milliseconds"))


@router.get("/api/v1/status", tags=["server"])
async def status(service: Service) -> ServerStatus:
    """The server, its renderers, its queue and its machine."""
    return await service.status()


@router.post("/render/templates", tags=["jobs"], responses=_only(403, 404, 408, 409, 413, 415, 422, 429, 500, 503, 507))
async def render_templates(
    request: RenderRequest,
    service: Service,
    waiting: Waiting,
    wait: Wait = False,
    wait_timeout_sec: WaitTimeout = None,
    idempotency_key: IdempotencyKey = None,
) -> AcceptedJob | JobAnswer:
    """Render one CAD as a job.

    With an `Idempotency-Key`, sending the same request again is the same job: safe to repeat when an answer was lost.
    """
    return await _accepted(service, request, waiting if wait else None, wait_timeout_sec, request_key=idempotency_key)


@router.put("/jobs/{job_id}", tags=["jobs"], responses=_only(403, 404, 408, 409, 413, 415, 422, 429, 500, 503, 507))
async def put_job(
    job_id: JobId,
    request: RenderRequest,
    service: Service,
    waiting: Waiting,
    wait: Wait = False,
    wait_timeout_sec: WaitTimeout = None,
) -> AcceptedJob | JobAnswer:
    """Render one CAD as a job with an id of your own; sending the same again is the same job."""
    return await _accepted(service, request, waiting if wait else None, wait_timeout_sec, job_id=job_id)


async def _accepted(
    service: RenderService,
    request: RenderRequest,
    waiting: WaitingRequests | None,
    wait_timeout_sec: float | None,
    *,
    job_id: str | None = None,
    request_key: str | None = None,
) -> AcceptedJob | JobAnswer:
    if waiting is not None:
        with waiting.one():
            return await _ended(await service.accept(request, job_id=job_id, request_key=request_key), wait_timeout_sec)
    job = await service.accept(request, job_id=job_id, request_key=request_key)
    # Clients of the older server know no other answer than `queued` to a request that began a job.
    if isinstance(job, Job):
        return AcceptedJob(job_id=job.job_id, status=job.progress.status if job.progress.ended else "queued")
    return AcceptedJob(job_id=job.job_id, status=job.status)


@router.delete("/jobs/{job_id}", tags=["jobs"], responses=_only(404, 422, 500, 503))
async def cancel_job(job_id: JobId, service: Service) -> JobAnswer:
    """Cancel a job. One that has ended stays as it is, so this can be repeated."""
    return job_answer(await service.cancel(job_id))


@router.get("/jobs", tags=["jobs"], responses=_only(422))
async def list_jobs(
    service: Service,
    status: Annotated[JobState | None, Query(description="Only jobs in this state.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> JobList:
    """Jobs, newest first."""
    records, total = await service.job_list(status, limit)
    return JobList(jobs=[job_answer(record) for record in records], total=total)


@router.get("/jobs/{job_id}", tags=["jobs"], responses=_only(404, 422))
async def get_job(job_id: JobId, service: Service) -> JobAnswer:
    """One job, with its progress."""
    return job_answer(await service.job_record(job_id))


@router.get("/jobs/{job_id}/log", tags=["jobs"], response_class=PlainTextResponse, responses=_only(404, 422))
async def get_job_log(job_id: JobId, service: Service) -> str:
    """A job's log: one event a line, `key=value`."""
    return await service.job_log(job_id)


@router.post("/api/v1/render-templates", tags=["v1"], responses=_only(*_FAILURES))
async def render_templates_v1(
    request: RenderRequest, service: Service, waiting: Waiting, idempotency_key: IdempotencyKey = None
) -> RenderResult:
    """Render one CAD; answers when it is done, and with an error status when it failed."""
    with waiting.one():
        return _result(await _ended(await service.accept(request, request_key=idempotency_key)))


@router.post("/api/v1/render-templates-batch", tags=["v1"], responses=_only(408, 413, 415, 422, 429, 500))
async def render_templates_batch(request: BatchRequest, service: Service, waiting: Waiting) -> BatchResponse:
    """Render several CADs at once; answers when all have ended. An item that fails fails alone."""
    service.check_batch_size(len(request.items))
    group = new_job_id()
    with waiting.one():
        results = await asyncio.gather(*(_item(service, index, item, request.defaults, group) for index, item in enumerate(request.items)))
    succeeded = sum(result.success for result in results)
    return BatchResponse(
        success=succeeded == len(results), total=len(results), succeeded=succeeded, failed=len(results) - succeeded, results=results
    )


async def _item(service: RenderService, index: int, item: dict[str, Any], defaults: dict[str, Any], group: str) -> BatchItemResult:
    cad_path = item.get("cad_path")
    shown = cad_path if isinstance(cad_path, str) else None
    try:
        job = await service.accept(service.item_request(item, defaults), group)
    except ServiceError as error:
        return BatchItemResult(index=index, success=False, cad_path=shown, error=error_body(error))
    except Exception as error:  # One item's fault must not take the others' answers with it.
        server_event("error", "batch item failed unexpectedly", index=index, cause=repr(error))
        fault = ErrorBody(detail="the server has a fault; its log says more", code="internal_error")
        return BatchItemResult(index=index, success=False, cad_path=shown, error=fault)
    record = await _ended(job)
    try:
        return BatchItemResult(index=index, success=True, cad_path=shown, job_id=job.job_id, result=_result(record))
    except ServiceError as error:
        return BatchItemResult(index=index, success=False, cad_path=shown, job_id=job.job_id, error=error_body(error))


def build_api(get_service: Callable[[], RenderService], settings: Settings) -> FastAPI:
    """The FastAPI application.

    Args:
        get_service: gives the service to each request; inside Serve that is the replica's own.
        settings: of the service; here its API key, its limits of a body and of requests that wait, and its CORS origins.
    """
    app = FastAPI(
        title="Render Server",
        version=version("render-server"),
        description="CAD model in, SAM-6D templates out: for each camera an RGB image, a mask and an object-coordinate map.",
        docs_url=None,  # FastAPI's own pages load their scripts from the internet.
        redoc_url=None,
        redirect_slashes=False,  # A redirect would name the host that the request claims to have asked.
    )
    app.state.get_service, app.state.max_body_bytes = get_service, settings.max_body_bytes
    app.state.waiting = WaitingRequests(settings.max_waiting_requests)
    app.include_router(public_router)
    app.include_router(router, **key_in_openapi(settings))
    app.include_router(docs_router(app))
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    secure(app, settings)
    return app
