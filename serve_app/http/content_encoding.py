"""Refuses bodies that are sent compressed: they would be taken for what they are not, and unpacked they could be of any size."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.base.errors import ServiceError
from serve_app.http.errors import error_response

_WITH_BODY = ("POST", "PUT", "PATCH")
_MAX_SHOWN = 80


class PlainBodies:
    """Answers a request whose ``Content-Encoding`` is not ``identity`` with 415, and with the one that is taken (RFC 9110)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["method"] in _WITH_BODY and (encoding := _encoding(scope)) not in ("", "identity"):
            detail = f"the body is sent with `Content-Encoding: {encoding[:_MAX_SHOWN]}`; send it as it is, files as a .zip"
            await error_response(ServiceError("content_type_unsupported", detail), {"Accept-Encoding": "identity"})(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _encoding(scope: Scope) -> str:
    found = (value.decode("latin-1").strip().lower() for name, value in scope["headers"] if name == b"content-encoding")
    return ", ".join(filter(None, found))
