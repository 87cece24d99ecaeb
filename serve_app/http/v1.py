"""``POST /api/v1/render-templates``: one CAD, answered when it is done."""

from __future__ import annotations

from fastapi import APIRouter

from serve_app.base.errors import ServiceError
from serve_app.http.dependencies import IdempotencyKey, Service, Waiting
from serve_app.http.errors import failures
from serve_app.http.json_body import JsonRoute
from serve_app.http.responses import JobRecord, RenderResult
from serve_app.http.waiting import record_when_ended
from serve_app.jobs.request import RenderRequest

router = APIRouter(route_class=JsonRoute, tags=["v1"])


@router.post("/api/v1/render-templates", responses=failures())
async def render_templates_v1(
    request: RenderRequest, service: Service, waiting: Waiting, idempotency_key: IdempotencyKey = None
) -> RenderResult:
    """Render one CAD; answers when it is done, and with an error status when it failed."""
    with waiting.place():
        return render_result(await record_when_ended(await service.accept(request, request_key=idempotency_key)))


def render_result(record: JobRecord) -> RenderResult:
    """The answer of a job that has succeeded.

    Raises:
        ServiceError: why it has not; ``draining`` when it goes on at the server's next start.
    """
    if record.error is not None:
        raise ServiceError(record.error.code, record.error.detail, record.error.field)
    if record.status != "succeeded":
        raise ServiceError("draining", f"the server is stopping; job {record.job_id} goes on when it starts again: GET /jobs follows it")
    return RenderResult(
        success=True,
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
