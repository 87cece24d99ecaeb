"""Bounds the headers of a request before anything looks at them, the check of the API key included."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.base.errors import ServiceError
from serve_app.http.errors import error_response

MAX_HEADER_BYTES = 32 * 1024
"""Bytes that the request line and all headers may have together. Proxies allow 8 to 64 KiB."""

MAX_HEADERS = 100
"""Headers that a request may have: what it says and what proxies on its way add; clients send about ten."""

_BYTES_A_HEADER = 4
"""The colon, the space and the end of its line."""


class HeaderLimit:
    """Refuses a request whose headers are too many or too large with 431.

    The HTTP server before the application has read them by then: what one connection may make *it* hold, only a proxy can bound.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and (reason := _too_much(scope)) is not None:
            await error_response(ServiceError("headers_too_large", reason))(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _too_much(scope: Scope) -> str | None:
    """What is wrong, or None."""
    headers = scope["headers"]
    if len(headers) > MAX_HEADERS:
        return f"the request has {len(headers)} headers, more than {MAX_HEADERS}; send fewer"
    size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    size += sum(len(name) + len(value) + _BYTES_A_HEADER for name, value in headers)
    if size > MAX_HEADER_BYTES:
        return f"the request line and headers have {size} bytes, more than {MAX_HEADER_BYTES}; send shorter ones"
    return None
