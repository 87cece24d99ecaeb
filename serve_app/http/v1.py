"""``POST /api/v1/render-templates``: one CAD, answered when it is done."""

from __future__ import annotations

from fastapi import APIRouter

from serve_app.base.errors import ServiceError
from serve_app.http.dependencies import IdempotencyKey, RequestId, ServerWaitLimit, Service
from serve_app.http.errors import failures
from serve_app.http.job_answer import JobAnswer
from serve_app.http.render_route import RenderRoute
from serve_app.http.responses import RenderResult
from serve_app.http.waiting import answer_when_ended
from serve_app.jobs.request import RenderRequest

router = APIRouter(route_class=RenderRoute, tags=["v1"])


@router.post("/api/v1/render-templates", responses=failures())
async def render_templates_v1(
    request: RenderRequest,
    service: Service,
    wait_limit: ServerWaitLimit,
    request_id: RequestId,
    idempotency_key: IdempotencyKey = None,
) -> RenderResult:
    """Render one CAD; answers when it is done, and with an error status when it failed."""
    with wait_limit.place():
        job = await service.accept(request, request_key=idempotency_key, request_id=request_id)
        return render_result(await answer_when_ended(job))


def render_result(job: JobAnswer) -> RenderResult:
    """The answer of a job that has succeeded.

    Raises:
        ServiceError: why it has not; ``draining`` when it goes on at the server's next start.
    """
    if job.error is not None:
        raise ServiceError(job.error.code, job.error.detail, job.error.field)
    if job.status != "succeeded":
        raise ServiceError("draining", f"the server is stopping; job {job.job_id} goes on when it starts again: GET /jobs follows it")
    return RenderResult(
        success=True,
        total_poses=job.total_poses,
        rendered_count=job.rendered_count,
        output_dir=job.templates_dir,
        cad_path=job.cad_path,
        normalize=job.options["normalize"],
        colorize=job.options["colorize"],
        base_color=job.options["base_color"],
        rendering_time=job.elapsed_sec,
        job_id=job.job_id,
        cached=job.cached,
        warnings=job.warnings,
        sam6d_cad=job.sam6d_cad,
        cad=job.cad,
    )
