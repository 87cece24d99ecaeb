"""Turns every failure into the one JSON form: ``detail``, ``code``, ``field``."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from serve_app.base.errors import RangeError, ServiceError
from serve_app.base.logs import server_event
from serve_app.base.metrics import REFUSALS
from serve_app.http.request_id import request_id_of
from serve_app.http.responses import ErrorBody, FindingBody
from serve_app.http.validation import validation_error

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer carries, failures too."""

STATUS: dict[str, int] = {
    # The request itself.
    "validation_error": 422,
    "unauthorized": 401,
    "headers_too_large": 431,
    "body_too_large": 413,
    "body_too_slow": 408,
    "content_type_unsupported": 415,
    "path_outside_roots": 403,
    "output_reserved": 403,
    "callback_refused": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "job_not_found": 404,
    "poses_invalid": 422,
    "range_not_satisfiable": 416,
    # What a job has rendered.
    "view_not_ready": 404,
    "job_not_finished": 409,
    "no_results": 409,
    "results_gone": 410,
    # The CAD.
    "cad_not_found": 404,
    "cad_not_a_file": 422,
    "cad_unreadable": 403,
    "cad_format_unsupported": 415,
    "cad_invalid": 422,
    "cad_part_unknown": 422,
    "cad_too_large": 413,
    # What is uploaded.
    "upload_not_found": 404,
    "upload_expired": 410,
    "upload_invalid": 422,
    "upload_too_large": 413,
    "upload_in_use": 409,
    "upload_incomplete": 409,
    "upload_offset_conflict": 409,
    "upload_checksum_mismatch": 460,
    "tus_version_unsupported": 412,
    # The output folder.
    "output_not_writable": 403,
    "output_not_replaceable": 409,
    # The views.
    "view_blank": 422,
    "view_clipped": 422,
    "camera_inside_object": 422,
    "view_too_slow": 422,
    # What else is going on.
    "output_busy": 409,
    "idempotency_conflict": 409,
    "canceled": 409,
    "cad_quarantined": 422,
    "queue_full": 429,
    "too_many_waiting": 429,
    "queue_timeout": 504,
    "job_timeout": 504,
    "storage_full": 507,
    "store_unavailable": 503,
    "draining": 503,
    "not_ready": 503,
    # The renderers.
    "renderer_start_failed": 503,
    "renderer_lost": 503,
    "out_of_memory": 503,
    "render_failed": 500,
    "server_restarted": 503,
    "internal_error": 500,
}
"""HTTP status of every code in ``serve_app.base.errors.CODES``."""

_FAILURES = {
    403: "A path lies outside the allowed folders, or may not be read or written; or the server may not call the callback's host.",
    404: "The CAD, the poses file or the job is not there.",
    408: "The request body did not come in time.",
    409: "The output folder holds something else than templates or is being written, the key or id is another request's, or the job was "
    "canceled.",
    410: "The job's files were removed, or replaced by another job's; or the upload is not kept any more.",
    413: "The request body or the CAD is too large.",
    415: "The body is not sent as JSON, or the CAD's format is not one that is read.",
    416: "No byte of the answer lies in the range.",
    422: "The request, the CAD or a view is not usable.",
    429: "The queue is full, or too many requests wait for their job; `Retry-After` says when to come back.",
    500: "Blender failed, or the server has a fault.",
    503: "No renderer could do it, the job store cannot be written, or the server is stopping.",
    504: "A time limit of the job ran out.",
    507: "A disk is full.",
}

_OF_RANGES = 416

FAULT = ServiceError("internal_error", "the server has a fault; its log says more")
"""What a client is told of an exception that nobody expected."""

_MAX_SHOWN = 200


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of a route that can fail so; without ``statuses``, of one that renders in every way."""
    return {status: failure(_FAILURES[status]) for status in statuses or [status for status in _FAILURES if status != _OF_RANGES]}


def failure(description: str, **more: Any) -> dict[str, Any]:
    """How the OpenAPI document describes a failure: JSON, also of a route that otherwise answers with text."""
    schema = {"$ref": f"#/components/schemas/{ErrorBody.__name__}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}, **more}


def _not_ready() -> dict[str, Any]:
    described = failure(
        "No renderer is ready to render yet, or the server is stopping.",
        headers={"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
    )
    example = ErrorBody(detail="no renderer is ready to render; ask again in a moment", code="not_ready")
    described["content"]["application/json"]["example"] = example.model_dump()
    return described


NOT_READY = _not_ready()
"""How the OpenAPI document describes the 503 of `GET /ready`."""


def error_body(error: ServiceError) -> ErrorBody:
    """The body of a failure that is answered: it is counted."""
    REFUSALS.add(1, error.code)
    findings = [FindingBody(field=finding.field, detail=finding.detail) for finding in error.findings]
    return ErrorBody(detail=error.detail, code=error.code, field=error.field, errors=findings or None)


def error_response(error: ServiceError, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer to a failure."""
    if isinstance(error, RangeError):
        headers = {**(headers or {}), "Content-Range": f"bytes */{error.length}"}
    if error.retry_after_sec is not None:
        headers = {**(headers or {}), "Retry-After": str(error.retry_after_sec)}
    return JSONResponse(error_body(error).model_dump(), STATUS[error.code], headers)


async def _on_service_error(request: Request, error: ServiceError) -> JSONResponse:
    return error_response(error)


async def _on_validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
    # FastAPI puts where a value stands (body, query, path, header) before its name.
    findings = [{**finding, "loc": finding["loc"][1:]} for finding in error.errors()]
    body = getattr(request.scope["route"], "body_field", None)
    model = body.field_info.annotation if body is not None else None
    return await _on_service_error(request, validation_error(findings, model))


async def _on_http_error(request: Request, error: HTTPException) -> Response:
    if error.status_code == 405 and request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": ", ".join(sorted(_offered(request) | {"OPTIONS"}))})
    path = request.scope["path"][:_MAX_SHOWN]  # Not request.url, which is made of the Host header.
    known = {
        404: ("not_found", f"there is no {path}{_without_slash(request)}; /docs lists what there is"),
        405: ("method_not_allowed", f"{request.method[:_MAX_SHOWN]} is not offered at {path}; /docs lists what is"),
    }
    code, detail = known.get(error.status_code, ("http_error", str(error.detail)))
    REFUSALS.add(1, code)
    headers = dict(error.headers or {})
    if error.status_code == 405 and (methods := _offered(request)):
        headers["Allow"] = ", ".join(sorted(methods))
    return JSONResponse(ErrorBody(detail=detail, code=code).model_dump(), error.status_code, headers=headers)


def _without_slash(request: Request) -> str:
    """The path that was meant, where one slash too many is all that is wrong."""
    path = request.scope["path"]
    meant = path.rstrip("/")
    return (
        f" (did you mean {meant}, without the slash?)" if 1 < len(meant) < min(len(path), _MAX_SHOWN) and _offered(request, meant) else ""
    )


def _offered(request: Request, path: str | None = None) -> set[str]:
    """Methods that the OpenAPI document has for a path, and ``HEAD`` beside ``GET``; the router itself names those of one route alone."""
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    path = request.scope["path"] if path is None else path
    # One that is called so itself goes before those whose parameters it would fit.
    found = [paths[path]] if path in paths else [each for template, each in paths.items() if compile_path(template)[0].match(path)]
    methods = {method.upper() for operations in found for method in operations}
    return methods | {"HEAD"} if "GET" in methods else methods


async def _on_fault(request: Request, error: Exception) -> JSONResponse:
    path, request_id = request.scope["path"][:_MAX_SHOWN], request_id_of(request.scope["headers"])
    server_event("error", "request failed unexpectedly", path=path, request_id=request_id, cause=repr(error))
    # Sent from outside the middleware that adds these to every other answer.
    return error_response(FAULT, SECURITY_HEADERS)


HANDLERS: dict[type[Exception], Any] = {
    ServiceError: _on_service_error,
    RequestValidationError: _on_validation_error,
    HTTPException: _on_http_error,
    Exception: _on_fault,
}
"""What an application installs with ``add_exception_handler``."""
