"""Bounds what waits in Serve's proxy for a client that takes its answer slowly, or not at all.

Between the ingress and the proxy Serve holds no answer back: of a stream that its client does not read, all that happens would wait in the
proxy. So the proxy, which loads this module, hangs up on a client that takes nothing for a while, or that falls behind a stream by as
long. A client of events connects again and misses nothing: it says which event was its last.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATIENCE_SEC = 30.0
"""For which a client may take nothing of what is there for it, and by which it may be late."""

_PIECE_BYTES = 64 * 1024
"""As many as the HTTP server lets wait before it waits itself."""

_SENT_AT = "render_server.sent_at"
_EVENTS = "/events"


class SlowClients:
    """In the proxy: hangs up on clients that are too slow.

    Args:
        app: Serve's.
        patience_sec: see ``PATIENCE_SEC``.
    """

    def __init__(self, app: ASGIApp, patience_sec: float = PATIENCE_SEC) -> None:
        self._app, self._patience_sec = app, patience_sec

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(receive, send, self._patience_sec)
        await self._app(scope, answer.receive, answer.send)


class _Answer:
    """One answer on its way to a client."""

    def __init__(self, receive: Receive, send: Send, patience_sec: float) -> None:
        self._receive, self._send, self._patience_sec = receive, send, patience_sec
        self._given_up = False
        self._waiting: asyncio.Timeout | None = None
        self._least_sec = float("inf")

    async def receive(self) -> Message:
        """As the server's; of a client that is given up, Serve hears that it has gone."""
        try:
            if not self._given_up:
                async with asyncio.timeout(None) as self._waiting:
                    return await self._receive()
        except TimeoutError:
            pass
        finally:
            self._waiting = None
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """As the server's; a client that is given up is sent nothing."""
        if self._given_up:
            return
        if self._is_late(message):
            self._give_up()
            return
        try:
            for piece in _pieces(message):
                async with asyncio.timeout(self._patience_sec):  # The server waits here while the client's buffers are full.
                    await self._send(piece)
        except TimeoutError:
            self._give_up()

    def _is_late(self, message: Message) -> bool:
        """Whether what a client is sent is old by now; clocks of two nodes may differ, so the shortest time that it took counts as none."""
        sent_at = message.get(_SENT_AT)
        if sent_at is None:
            return False
        passed = time.time() - sent_at
        self._least_sec = min(self._least_sec, passed)
        return bool(passed - self._least_sec > self._patience_sec)

    def _give_up(self) -> None:
        self._given_up = True
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())


def _pieces(message: Message) -> Iterator[Message]:
    """The same in small messages: a client that takes a large one slowly takes something all the same."""
    body = message.get("body", b"")
    for start in range(0, len(body) - _PIECE_BYTES, _PIECE_BYTES):
        yield {**message, "body": body[start : start + _PIECE_BYTES], "more_body": True}
    yield {**message, "body": body[(len(body) - 1) // _PIECE_BYTES * _PIECE_BYTES :]} if len(body) > _PIECE_BYTES else message


class SentAt:
    """In the ingress: notes with each piece of an endless stream when it was sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not scope["path"].endswith(_EVENTS):
            await self._app(scope, receive, send)
            return

        async def send_dated(message: Message) -> None:
            await send({**message, _SENT_AT: time.time()} if message["type"] == "http.response.body" else message)

        await self._app(scope, receive, send_dated)
