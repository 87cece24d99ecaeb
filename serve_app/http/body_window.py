"""Holds a large body back in Serve's proxy until the ingress has taken what came before.

Serve's proxy reads a body as fast as its client sends it, and the ingress fetches all that the proxy has: what comes faster than the disk
takes it would wait in both, whole. So the ingress tells the proxy how much its application has taken, by messages among those of its
answer, and the proxy, which loads this module, reads on only within a window of that. The client then waits, as TCP has it.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

WINDOW_BYTES = 4 * 1024**2
"""Bytes that may be on their way from the proxy to the application. A body that declares no more is not held back."""

_TOLD_BYTES = 512 * 1024
"""So many bytes at a time are told as taken. Less than the window by far: the proxy never waits for an application that waits for it."""

_HEADER = b"x-render-body-window"
"""Tells the ingress that the proxy listens to it; never a client's own."""

_TAKEN = "render_server.body_taken"
_MAX_DIGITS = 18


class BodyWindow:
    """In the proxy: reads a large body no faster than the application takes it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = [header for header in scope["headers"] if header[0] != _HEADER]
        if not _is_large(headers):
            await self._app({**scope, "headers": headers}, receive, send)
            return
        window = _Window(receive, send)
        await self._app({**scope, "headers": [*headers, (_HEADER, b"1")]}, window.receive, window.send)


class _Window:
    """What is on its way of one body."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._read = self._taken = 0
        self._answered = False
        self._news = asyncio.Event()

    async def receive(self) -> Message:
        while self._read - self._taken >= WINDOW_BYTES and not self._answered:
            self._news.clear()
            await self._news.wait()
        message = await self._receive()
        self._read += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == _TAKEN:
            self._taken += message["bytes"]
            self._news.set()
            return
        self._answered = True  # The rest of a body that is refused is nobody's: it is read on, to hear when the client goes.
        self._news.set()
        await self._send(message)


class BodyTaken:
    """In the ingress: tells the proxy how much of a large body the application has taken; outermost, since others know no such message."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not is_windowed(scope):
            await self._app(scope, receive, send)
            return
        untold, answered = 0, False

        async def receive_and_tell() -> Message:
            nonlocal untold
            if untold >= _TOLD_BYTES and not answered:
                await send({"type": _TAKEN, "bytes": untold})
                untold = 0
            message = await receive()
            untold += len(message.get("body", b""))
            return message

        async def send_on(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        await self._app(scope, receive_and_tell, send_on)


def is_windowed(scope: Scope) -> bool:
    """Whether no more than ``WINDOW_BYTES`` of a request's body wait in memory, whatever its length."""
    return any(name == _HEADER for name, _ in scope["headers"])


def _is_large(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a body declares more than the window, or no length."""
    for name, value in headers:
        if name == b"transfer-encoding":
            return True
        if name == b"content-length" and value.isdigit():
            return len(value) > _MAX_DIGITS or int(value) > WINDOW_BYTES
    return False
