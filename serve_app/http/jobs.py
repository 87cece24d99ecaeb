"""The routes of jobs: begin one, look at it, cancel it, list them."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse, Response

from serve_app.http.dependencies import (
    JOB_ID_PATTERN,
    IdempotencyKey,
    JobGroup,
    JobId,
    Preferences,
    RequestId,
    ServerWaitLimit,
    Service,
    Wait,
    WaitTimeout,
)
from serve_app.http.errors import failures
from serve_app.http.job_answer import JobAnswer, JobList, job_answer
from serve_app.http.prefer import Prefer, asked
from serve_app.http.render_route import RenderRoute
from serve_app.http.responses import AcceptedJob
from serve_app.http.wait_limit import WaitLimit
from serve_app.http.waiting import answer_when_ended
from serve_app.jobs.job import Job
from serve_app.jobs.pages import MAX_TEXT, JobQuery
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.states import JobState

CANONICAL = "/api/v1"
"""What stands before every path of a job; the same paths without it are there for older clients."""

begin_router = APIRouter(route_class=RenderRoute, tags=["jobs"])
"""Begins a job, at paths of its own."""

router = APIRouter(route_class=RenderRoute, tags=["jobs"])
"""Included twice, see ``CANONICAL``. Routes that answer with a job leave out what is not known of it yet:
``response_model_exclude_unset``."""

_MANIFEST = {"content": {"application/json": {"schema": {"type": "object"}}}}

_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "With `Prefer: respond-async`: the job is accepted; `Location` leads to it.",
        "model": AcceptedJob,
        "headers": {
            "Location": {"description": "Path of the job.", "schema": {"type": "string"}},
            "Preference-Applied": {"description": "Which preferences were met.", "schema": {"type": "string"}},
        },
    }
}
_NOT_ACCEPTED = failures(403, 404, 408, 409, 410, 413, 415, 422, 429, 500, 503, 507)


def job_path(request: Request, job_id: str) -> str:
    """Where a job is found; a path alone, since a host's name would be the request's own claim."""
    return f"{request.scope.get('root_path', '')}{CANONICAL}/jobs/{job_id}"


@begin_router.post("/render/templates", response_model_exclude_unset=True, responses=_ACCEPTED | _NOT_ACCEPTED)
@begin_router.post(f"{CANONICAL}/jobs", name="create_job", response_model_exclude_unset=True, responses=_ACCEPTED | _NOT_ACCEPTED)
@begin_router.post("/jobs", name="create_job", response_model_exclude_unset=True, responses=_ACCEPTED | _NOT_ACCEPTED)
async def render_templates(
    http: Request,
    response: Response,
    request: RenderRequest,
    service: Service,
    wait_limit: ServerWaitLimit,
    request_id: RequestId,
    preferences: Preferences = None,
    wait: Wait = False,
    wait_timeout_sec: WaitTimeout = None,
    idempotency_key: IdempotencyKey = None,
    group: JobGroup = None,
) -> AcceptedJob | JobAnswer:
    """Render one CAD as a job.

    With an `Idempotency-Key`, sending the same request again is the same job: safe to repeat when an answer was lost.
    """
    prefer = asked(preferences, wait=wait, timeout=wait_timeout_sec)
    accept = partial(service.accept, request, group or "", request_key=idempotency_key, request_id=request_id)
    return await _accepted(http, response, accept, prefer, wait_limit)


@router.put("/jobs/{job_id}", response_model_exclude_unset=True, responses=_ACCEPTED | _NOT_ACCEPTED)
async def put_job(
    http: Request,
    response: Response,
    job_id: JobId,
    request: RenderRequest,
    service: Service,
    wait_limit: ServerWaitLimit,
    request_id: RequestId,
    preferences: Preferences = None,
    wait: Wait = False,
    wait_timeout_sec: WaitTimeout = None,
    group: JobGroup = None,
) -> AcceptedJob | JobAnswer:
    """Render one CAD as a job with an id of your own; sending the same again is the same job."""
    prefer = asked(preferences, wait=wait, timeout=wait_timeout_sec)
    accept = partial(service.accept, request, group or "", job_id=job_id, request_id=request_id)
    return await _accepted(http, response, accept, prefer, wait_limit)


async def _accepted(http: Request, response: Response, accept: Any, prefer: Prefer, wait_limit: WaitLimit) -> AcceptedJob | JobAnswer:
    if prefer.applied:
        response.headers["Preference-Applied"] = prefer.applied
    if prefer.waits:
        with wait_limit.place():
            job = await accept()
            answer = await answer_when_ended(job, prefer.timeout)
        if not prefer.asynchronous or answer.error is not None or answer.status != "timeout":
            return answer
    else:
        job = await accept()
    if prefer.asynchronous:
        response.status_code = 202
        response.headers["Location"] = job_path(http, job.job_id)
        return AcceptedJob(job_id=job.job_id, status=job.progress.status if isinstance(job, Job) else job.status)
    # Clients of the older server know no other answer than `queued` to a request that began a job.
    if isinstance(job, Job):
        return AcceptedJob(job_id=job.job_id, status=job.progress.status if job.progress.ended else "queued")
    return AcceptedJob(job_id=job.job_id, status=job.status)


@router.delete("/jobs/{job_id}", response_model_exclude_unset=True, responses=failures(404, 422, 500, 503))
async def cancel_job(job_id: JobId, service: Service) -> JobAnswer:
    """Cancel a job. One that has ended stays as it is, so this can be repeated."""
    return job_answer(await service.cancel(job_id))


@router.get("/jobs", response_model_exclude_unset=True, responses=failures(404, 422))
async def list_jobs(
    service: Service,
    status: Annotated[list[JobState] | None, Query(description="Only jobs in this state; several for one of them.")] = None,
    q: Annotated[str, Query(max_length=MAX_TEXT, description="Only jobs with this in their id, `cad_path` or `output_dir`.")] = "",
    before: Annotated[str | None, Query(pattern=JOB_ID_PATTERN, description="Id of a job: only older ones, as `next` says it.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Jobs on a page.")] = 50,
) -> JobList:
    """Jobs, newest first, a page at a time."""
    page = await service.job_list(JobQuery(tuple(status or ()), q, before, limit))
    following = {} if page.next is None else {"next": page.next}
    return JobList(jobs=[job_answer(record) for record in page.records], total=page.total, **following)


@router.get("/jobs/{job_id}", response_model_exclude_unset=True, responses=failures(404, 422))
async def get_job(job_id: JobId, service: Service) -> JobAnswer:
    """One job, with its progress."""
    return job_answer(await service.job_record(job_id))


@router.get("/jobs/{job_id}/log", response_class=PlainTextResponse, responses=failures(404, 422))
async def get_job_log(job_id: JobId, service: Service) -> str:
    """A job's log: one event a line, `key=value`. It is for the operator, too: unlike other answers it names the server's own paths."""
    return await service.job_log(job_id)


@router.get("/jobs/{job_id}/manifest", responses={200: _MANIFEST, **failures(404, 422)})
async def get_job_manifest(job_id: JobId, service: Service) -> Response:
    """`manifest.json` of a job that has succeeded; the only way to it where its layout wants nothing but views in the folder."""
    return Response(await service.results.manifest(job_id), media_type="application/json")
