"""``X-Request-Id``: one name for a request, in the records of its client, of the proxies on its way and of this server.

Serve's HTTP proxy has it on every answer, its own refusals too: it takes what the client sent, whatever that is, or makes one. So the
client's is looked at before Serve's: in that proxy, which loads this module.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.http.body_window import BodyWindow
from serve_app.http.downloads import PacedDownloads
from serve_app.http.slow_clients import SlowClients

MAX_CHARACTERS = 128

_NAME = b"x-request-id"
_SANE = re.compile(rb"[!-~]{1,%d}" % MAX_CHARACTERS)


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The id that a request has; a new one, a UUID, where it has none, several, or one that is not short, printable ASCII without spaces.

    Args:
        headers: of the request, as ASGI has them.
    """
    given = [value for name, value in headers if name == _NAME]
    if len(given) == 1 and _SANE.fullmatch(given[0]):
        return given[0].decode("ascii")
    return str(uuid.uuid4())


class RequestIds:
    """Gives every request one ``X-Request-Id`` that is fit for logs and answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            others = [header for header in scope["headers"] if header[0] != _NAME]
            scope = {**scope, "headers": [*others, (_NAME, request_id_of(scope["headers"]).encode())]}
        await self._app(scope, receive, send)


def proxy_middlewares() -> list[Middleware]:
    """What Serve's HTTP proxies put around their own, the last one outermost.

    ``RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH`` names this function.
    """
    return [Middleware(BodyWindow), Middleware(PacedDownloads), Middleware(SlowClients), Middleware(RequestIds)]
