"""Who may ask, and what every answer tells a browser: API key, security headers, CORS."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.http import tus
from serve_app.http.body_window import BodyTaken
from serve_app.http.content_encoding import PlainBodies
from serve_app.http.door import Door
from serve_app.http.errors import SECURITY_HEADERS, error_response, failure
from serve_app.http.head import HeadRequests
from serve_app.http.header_limit import HeaderLimit
from serve_app.http.page import PAGE_PREFIX
from serve_app.http.slow_clients import SentAt
from serve_app.http.tickets import Tickets
from serve_app.service.service import RenderService

OPEN_PATHS = ("/health", "/ready", "/")
"""Answered without the key: what a load balancer or a container's health check asks, and the page, which asks a person for the key."""

BROWSER_PATHS = ("/docs", "/openapi.json")
"""Where, and below which, the key may come as the password of a browser's own dialog: no page can add a header to itself."""

_ASKED = (
    *("Authorization", "X-API-Key", "Content-Type", "Idempotency-Key", "Prefer"),
    *("If-None-Match", "If-Range", "Range", "Last-Event-ID", "X-Request-Id"),
)
_TOLD = ("Retry-After", "Location", "Preference-Applied", "ETag", "Accept-Ranges", "Content-Range", "X-Request-Id")
"""Headers that a page of another origin may send, and read."""


def secure(app: FastAPI, settings: Settings, key: bytes | None, get_service: Callable[[], RenderService]) -> None:
    """Install the checks; the one added last sees a request first."""
    app.add_middleware(PlainBodies)
    app.add_middleware(Door, get_service=get_service)
    if key is not None:
        app.add_middleware(ApiKeyCheck, key=key, tickets=app.state.tickets)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[*_ASKED, *tus.ASKED],
            expose_headers=[*_TOLD, *tus.TOLD],
        )
    app.add_middleware(HeaderLimit)
    app.add_middleware(HeadRequests)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(BodyTaken)
    app.add_middleware(SentAt)


def key_in_openapi(wanted: bool) -> dict[str, Any]:
    """What the routes behind the key are declared with, for ``include_router``; the check itself is ``ApiKeyCheck``'s."""
    if not wanted:
        return {}
    described = failure("The API key is missing or wrong.", headers={"WWW-Authenticate": _CHALLENGE})
    schemes: list[Any] = [HTTPBearer(auto_error=False), APIKeyHeader(name="X-API-Key", auto_error=False)]
    return {"dependencies": [Security(scheme) for scheme in schemes], "responses": {401: described}}


def is_open(path: str) -> bool:
    """Whether a path is answered without the key: ``OPEN_PATHS``, and the page's own files, which are the same on every server."""
    return path in OPEN_PATHS or path.startswith(PAGE_PREFIX)


class SecurityHeaders:
    """Adds ``SECURITY_HEADERS`` to every answer that does not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class ApiKeyCheck:
    """Refuses a request without the key, also for paths that do not exist: nothing is told to a stranger.

    Args:
        app: what is protected.
        key: as ``serve_app.base.api_key.key_of`` gives it.
        tickets: that stand for it where an archive is downloaded.
    """

    def __init__(self, app: ASGIApp, key: bytes, tickets: Tickets) -> None:
        self._app, self._key, self._tickets = app, key, tickets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            browser = any(path == place or path.startswith(place + "/") for place in BROWSER_PATHS)
            if not is_open(path) and not self._knows_key(scope["headers"], browser) and not self._has_ticket(scope, path):
                challenge = 'Bearer realm="render-server"' + (', Basic realm="render-server"' if browser else "")
                await error_response(_UNAUTHORIZED, {"WWW-Authenticate": challenge})(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _has_ticket(self, scope: Scope, path: str) -> bool:
        return scope["method"] == "GET" and self._tickets.admits(path, scope["headers"])

    def _knows_key(self, headers: list[tuple[bytes, bytes]], browser: bool) -> bool:
        # All are compared, each in a time that does not tell how much of it was right.
        matches = [hmac.compare_digest(candidate, self._key) for candidate in _candidates(headers, browser)]
        return any(matches)


_CHALLENGE = {"description": "How to present the key.", "schema": {"type": "string"}}
_UNAUTHORIZED = ServiceError(
    "unauthorized", "this server wants its API key: send it as `Authorization: Bearer KEY` or as `X-API-Key: KEY`; the operator has it"
)


def _candidates(headers: list[tuple[bytes, bytes]], browser: bool) -> Iterator[bytes]:
    """Every key that a request presents."""
    for name, value in headers:
        if name == b"x-api-key":
            yield value.strip()
        elif name == b"authorization":
            scheme, _, rest = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                yield rest.strip()
            elif scheme.lower() == b"basic" and browser:
                try:
                    yield base64.b64decode(rest, validate=True).partition(b":")[2]
                except binascii.Error:
                    continue
