"""``POST /api/v1/render-templates-batch``: several CADs, answered when all have ended."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError

from serve_app.base.errors import ServiceError
from serve_app.base.logs import server_event
from serve_app.http.dependencies import RequestId, ServerSettings, ServerWaitLimit, Service
from serve_app.http.errors import FAULT, error_body, failures
from serve_app.http.json_body import JsonRoute
from serve_app.http.requests import BatchRequest
from serve_app.http.responses import BatchItemResult, BatchResponse
from serve_app.http.v1 import render_result
from serve_app.http.validation import validation_error
from serve_app.http.waiting import answer_when_ended
from serve_app.jobs.job import new_job_id
from serve_app.jobs.request import RenderRequest
from serve_app.service.service import RenderService

router = APIRouter(route_class=JsonRoute, tags=["v1"])


@router.post("/api/v1/render-templates-batch", responses=failures(408, 413, 415, 422, 429, 500))
async def render_templates_batch(
    request: BatchRequest, service: Service, settings: ServerSettings, wait_limit: ServerWaitLimit, request_id: RequestId
) -> BatchResponse:
    """Render several CADs at once; answers when all have ended. An item that fails fails alone."""
    check_batch_size(len(request.items), settings.max_batch_items)
    group = new_job_id()
    with wait_limit.place():
        results = await asyncio.gather(*(_item_result(service, request, index, group, request_id) for index in range(len(request.items))))
    succeeded = sum(result.success for result in results)
    return BatchResponse(
        success=succeeded == len(results), total=len(results), succeeded=succeeded, failed=len(results) - succeeded, results=results
    )


def check_batch_size(count: int, max_items: int, field: str = "items") -> None:
    """Refuse a batch with too many items.

    Raises:
        ServiceError: ``validation_error``.
    """
    if count > max_items:
        raise ServiceError(
            "validation_error",
            f"{field} has {count} entries, more than {max_items} (RENDER_MAX_BATCH_ITEMS); send several requests",
            field,
        )


def item_request(batch: BatchRequest, index: int) -> RenderRequest:
    """An item of a batch over the batch's defaults.

    Raises:
        ServiceError: ``validation_error``; its field says where the value stands: ``items.3.samples`` or ``defaults.samples``.
    """
    item = batch.items[index]
    try:
        return RenderRequest.model_validate({**batch.defaults, **item})
    except ValidationError as error:
        name = next(iter(error.errors(include_input=False)[0]["loc"]), None)
        from_defaults = name not in item and name in batch.defaults
        raise validation_error(error.errors(), RenderRequest, ("defaults",) if from_defaults else ("items", index)) from error


async def _item_result(service: RenderService, batch: BatchRequest, index: int, group: str, request_id: str) -> BatchItemResult:
    cad_path: Any = batch.items[index].get("cad_path")
    shown = cad_path if isinstance(cad_path, str) else None  # An item with an upload has none.
    try:
        job = await service.accept(item_request(batch, index), group, request_id=request_id)
    except ServiceError as error:
        return BatchItemResult(index=index, success=False, cad_path=shown, error=error_body(error))
    except Exception as error:  # One item's fault must not take the others' answers with it.
        server_event("error", "batch item failed unexpectedly", index=index, request_id=request_id, cause=repr(error))
        return BatchItemResult(index=index, success=False, cad_path=shown, error=error_body(FAULT))
    answer = await answer_when_ended(job)
    try:
        return BatchItemResult(index=index, success=True, cad_path=shown, job_id=job.job_id, result=render_result(answer))
    except ServiceError as error:
        return BatchItemResult(index=index, success=False, cad_path=shown, job_id=job.job_id, error=error_body(error))
