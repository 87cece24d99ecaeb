"""The HTTP routes of jobs and of the server, and the application that holds all routes."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query
from fastapi.responses import PlainTextResponse, Response

from serve_app.base.api_key import key_of
from serve_app.base.settings import Settings
from serve_app.http import batch, cancel, inspection, v1
from serve_app.http.dependencies import (
    IdempotencyKey,
    JobGroup,
    JobId,
    RequestId,
    ServerSettings,
    ServerWaitLimit,
    Service,
    Wait,
    WaitTimeout,
)
from serve_app.http.docs import docs_router
from serve_app.http.errors import HANDLERS, NOT_READY, failures
from serve_app.http.job_answer import JobAnswer, JobList, job_answer
from serve_app.http.json_body import JsonRoute
from serve_app.http.responses import AcceptedJob, Health, Ready, ServerStatus
from serve_app.http.security import key_in_openapi, secure
from serve_app.http.status import server_status
from serve_app.http.wait_limit import WaitLimit
from serve_app.http.waiting import answer_when_ended
from serve_app.jobs.job import Job
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.states import JobState
from serve_app.service.service import RenderService

public_router = APIRouter()
"""What is answered without the API key."""

router = APIRouter(route_class=JsonRoute)
"""The server and its jobs. Routes that answer with a job leave out what is not known of it yet: ``response_model_exclude_unset``."""

_MANIFEST = {"content": {"application/json": {"schema": {"type": "object"}}}}

_NOT_ACCEPTED = failures(403, 404, 408, 409, 413, 415, 422, 429, 500, 503, 507)


@public_router.get("/health", tags=["server"])
async def health() -> Health:
    """Whether the server answers. Whether it can render yet, `/ready` says."""
    return Health(message="Render Server is running", timestamp=round(time.time(), 3))


@public_router.get("/ready", tags=["server"], responses={503: NOT_READY})
async def ready(service: Service) -> Ready:
    """Whether to send requests here: a renderer is ready to render, and the server is not about to stop.

    A full queue does not count: that is 429, with its own `Retry-After`.
    """
    service.check_ready()
    return Ready(message="Render Server is ready to render")


@router.get("/api/v1/status", tags=["server"])
async def status(service: Service, settings: ServerSettings) -> ServerStatus:
    """The server, its renderers, its queue and its machine."""
    roots = zip(map(str, settings.output_roots), settings.resolved_output_roots, strict=True)  # By the names that the operator gave.
    return await server_status(service, dict(roots))


@router.post("/render/templates", tags=["jobs"], response_model_exclude_unset=True, responses=_NOT_ACCEPTED)
async def render_templates(
    request: RenderRequest,
    service: Service,
    wait_limit: ServerWaitLimit,
    request_id: RequestId,
    wait: Wait = False,
    wait_timeout_sec: WaitTimeout = None,
    idempotency_key: IdempotencyKey = None,
    group: JobGroup = None,
) -> AcceptedJob | JobAnswer:
    """Render one CAD as a job.

    With an `Idempotency-Key`, sending the same request again is the same job: safe to repeat when an answer was lost.
    """
    return await _accepted(
        service, request, wait_limit if wait else None, wait_timeout_sec, group, request_key=idempotency_key, request_id=request_id
    )


@router.put("/jobs/{job_id}", tags=["jobs"], response_model_exclude_unset=True, responses=_NOT_ACCEPTED)
async def put_job(
    job_id: JobId,
    request: RenderRequest,
    service: Service,
    wait_limit: ServerWaitLimit,
    request_id: RequestId,
    wait: Wait = False,
    wait_timeout_sec: WaitTimeout = None,
    group: JobGroup = None,
) -> AcceptedJob | JobAnswer:
    """Render one CAD as a job with an id of your own; sending the same again is the same job."""
    return await _accepted(service, request, wait_limit if wait else None, wait_timeout_sec, group, job_id=job_id, request_id=request_id)


async def _accepted(
    service: RenderService,
    request: RenderRequest,
    wait_limit: WaitLimit | None,
    wait_timeout_sec: float | None,
    group: str | None,
    *,
    request_id: str,
    job_id: str | None = None,
    request_key: str | None = None,
) -> AcceptedJob | JobAnswer:
    accept = partial(service.accept, request, group or "", job_id=job_id, request_key=request_key, request_id=request_id)
    if wait_limit is not None:
        with wait_limit.place():
            return await answer_when_ended(await accept(), wait_timeout_sec)
    job = await accept()
    # Clients of the older server know no other answer than `queued` to a request that began a job.
    if isinstance(job, Job):
        return AcceptedJob(job_id=job.job_id, status=job.progress.status if job.progress.ended else "queued")
    return AcceptedJob(job_id=job.job_id, status=job.status)


@router.delete("/jobs/{job_id}", tags=["jobs"], response_model_exclude_unset=True, responses=failures(404, 422, 500, 503))
async def cancel_job(job_id: JobId, service: Service) -> JobAnswer:
    """Cancel a job. One that has ended stays as it is, so this can be repeated."""
    return job_answer(await service.cancel(job_id))


@router.get("/jobs", tags=["jobs"], response_model_exclude_unset=True, responses=failures(422))
async def list_jobs(
    service: Service,
    status: Annotated[JobState | None, Query(description="Only jobs in this state.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> JobList:
    """Jobs, newest first."""
    records, total = await service.job_list(status, limit)
    return JobList(jobs=[job_answer(record) for record in records], total=total)


@router.get("/jobs/{job_id}", tags=["jobs"], response_model_exclude_unset=True, responses=failures(404, 422))
async def get_job(job_id: JobId, service: Service) -> JobAnswer:
    """One job, with its progress."""
    return job_answer(await service.job_record(job_id))


@router.get("/jobs/{job_id}/log", tags=["jobs"], response_class=PlainTextResponse, responses=failures(404, 422))
async def get_job_log(job_id: JobId, service: Service) -> str:
    """A job's log: one event a line, `key=value`. It is for the operator, too: unlike other answers it names the server's own paths."""
    return await service.job_log(job_id)


@router.get("/jobs/{job_id}/manifest", tags=["jobs"], responses={200: _MANIFEST, **failures(404, 422)})
async def get_job_manifest(job_id: JobId, service: Service) -> Response:
    """`manifest.json` of a job that has succeeded; the only way to it where its layout wants nothing but views in the folder."""
    return Response(await service.job_manifest(job_id), media_type="application/json")


def build_api(get_service: Callable[[], RenderService], settings: Settings) -> FastAPI:
    """The FastAPI application.

    Args:
        get_service: gives the service to each request; inside Serve that is the replica's own.
        settings: of the service; here its API key, its limits of a body, a batch and requests that wait, and its CORS origins.
    """
    app = FastAPI(
        title="Render Server",
        version=version("render-server"),
        description="CAD model in, SAM-6D templates out: for each camera an RGB image, a mask and an object-coordinate map. "
        "Every answer has `X-Request-Id`: the request's own, or a new one.",
        docs_url=None,  # FastAPI's own pages load their scripts from the internet.
        redoc_url=None,
        redirect_slashes=False,  # A redirect would name the host that the request claims to have asked.
    )
    app.state.get_service, app.state.settings = get_service, settings
    app.state.wait_limit = WaitLimit(settings.max_waiting_requests)
    app.include_router(public_router)
    key = key_of(settings)
    for part in (router, cancel.router, v1.router, batch.router, inspection.router):
        app.include_router(part, **key_in_openapi(wanted=key is not None))
    app.include_router(docs_router(app))
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    secure(app, settings, key, get_service)
    return app
