"""Turns every failure into the one JSON form: ``detail``, ``code``, ``field``."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from serve_app.base.errors import ServiceError
from serve_app.base.logs import server_event
from serve_app.http.responses import ErrorBody
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

_SHOWN = 200


def failure(description: str, **more: Any) -> dict[str, Any]:
    """How the OpenAPI document describes a failure: JSON, also of a route that otherwise answers with text."""
    schema = {"$ref": f"#/components/schemas/{ErrorBody.__name__}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}, **more}


def error_body(error: ServiceError) -> ErrorBody:
    """The body of a failure."""
    return ErrorBody(detail=error.detail, code=error.code, field=error.field)


def error_response(error: ServiceError, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer to a failure."""
    if error.retry_after_sec is not None:
        headers = {**(headers or {}), "Retry-After": str(error.retry_after_sec)}
    return JSONResponse(error_body(error).model_dump(), error.status, headers)


async def _on_service_error(request: Request, error: ServiceError) -> JSONResponse:
    return error_response(error)


async def _on_validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
    return await _on_service_error(request, validation_error(error.errors()))


async def _on_http_error(request: Request, error: HTTPException) -> JSONResponse:
    path = request.scope["path"][:_SHOWN]  # Not request.url, which is made of the Host header.
    known = {
        404: ("not_found", f"there is no {path}; /docs lists what there is"),
        405: ("method_not_allowed", f"{request.method[:_SHOWN]} is not offered at {path}; /docs lists what is"),
    }
    code, detail = known.get(error.status_code, ("http_error", str(error.detail)))
    headers = dict(error.headers or {})
    if error.status_code == 405 and (methods := _offered(request)):
        headers["Allow"] = ", ".join(sorted(methods))
    return JSONResponse(ErrorBody(detail=detail, code=code).model_dump(), error.status_code, headers=headers)


def _offered(request: Request) -> set[str]:
    """Methods that the OpenAPI document has for the request's path; the router itself names those of one route alone."""
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    found = [operations for template, operations in paths.items() if compile_path(template)[0].match(request.scope["path"])]
    return {method.upper() for operations in found for method in operations}


async def _on_fault(request: Request, error: Exception) -> JSONResponse:
    server_event("error", "request failed unexpectedly", path=request.scope["path"][:_SHOWN], cause=repr(error))
    body = ErrorBody(detail="the server has a fault; its log says more", code="internal_error")
    # Sent from outside the middleware that adds these to every other answer.
    return JSONResponse(body.model_dump(), 500, SECURITY_HEADERS)


HANDLERS: dict[type[Exception], Any] = {
    ServiceError: _on_service_error,
    RequestValidationError: _on_validation_error,
    HTTPException: _on_http_error,
    Exception: _on_fault,
}
"""What an application installs with ``add_exception_handler``."""
