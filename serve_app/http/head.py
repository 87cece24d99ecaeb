"""``HEAD`` wherever ``GET`` is offered: the same status and headers, and no body."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEAD = "render_server.head"


class HeadRequests:
    """Answers ``HEAD`` as ``GET`` would be answered, ``Content-Length`` included, and leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET", _HEAD: True}, receive, send_without_body)


def is_head(scope: Scope) -> bool:
    """Whether a request was ``HEAD``: what takes long to make need not be made then."""
    return _HEAD in scope
