"""``POST /api/v1/jobs/cancel``: several jobs canceled by one request."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from serve_app.base.errors import ServiceError
from serve_app.http.batch import check_batch_size
from serve_app.http.dependencies import ServerSettings, Service
from serve_app.http.errors import error_body, failures
from serve_app.http.json_body import JsonRoute
from serve_app.http.requests import CancelRequest
from serve_app.http.responses import CancelResponse, CancelResult
from serve_app.service.service import RenderService

router = APIRouter(route_class=JsonRoute, tags=["jobs"])


@router.post("/api/v1/jobs/cancel", response_model_exclude_unset=True, responses=failures(408, 413, 415, 422, 500))
async def cancel_jobs(request: CancelRequest, service: Service, settings: ServerSettings) -> CancelResponse:
    """Cancel several jobs; answers when all have ended. Those that had ended before stay as they are, so this can be repeated."""
    check_batch_size(len(request.job_ids), settings.max_batch_items, "job_ids")
    results = await asyncio.gather(*(_canceled(service, job_id) for job_id in request.job_ids))
    return CancelResponse(canceled=sum(result.status == "canceled" for result in results), results=results)


async def _canceled(service: RenderService, job_id: str) -> CancelResult:
    try:
        return CancelResult(job_id=job_id, status=(await service.cancel(job_id)).status)
    except ServiceError as error:
        return CancelResult(job_id=job_id, error=error_body(error))
