"""Refuses new jobs before their bodies are read, while none is taken."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.base.errors import ServiceError
from serve_app.http.errors import error_response
from serve_app.service.service import RenderService

NEW_JOB_PATHS = ("/render/templates", "/api/v1/jobs", "/jobs", "/api/v1/render-templates")
"""Where a ``POST`` begins a job."""


class Door:
    """Answers a request for a new job with 429 while the queue is full, and with 503 while the server drains.

    Reading a body costs more than all else of such a refusal: Serve brings it by calls between its processes. A request with an
    ``Idempotency-Key`` is read, since it may repeat an earlier one, and a batch, whose items are refused one by one.
    """

    def __init__(self, app: ASGIApp, get_service: Callable[[], RenderService]) -> None:
        self._app, self._get_service = app, get_service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and _is_new_job(scope):
            try:
                self._get_service().check_open()
            except ServiceError as error:
                await error_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_new_job(scope: Scope) -> bool:
    if scope["method"] != "POST" or scope["path"].removeprefix(scope.get("root_path", "")) not in NEW_JOB_PATHS:
        return False
    return all(name != b"idempotency-key" for name, _ in scope["headers"])
