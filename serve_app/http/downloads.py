"""Sends large files in parts, no faster than their clients take them.

Between its proxy and the ingress Serve holds no answer back: of one that a client takes slowly, all bytes would wait in memory. So the
proxy, which loads this module, asks the ingress for one part after another, each when the client has taken the one before.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app.base.errors import RangeError
from serve_app.http.byte_range import byte_range

PART_BYTES = 8 * 1024**2

_PATHS = re.compile(r"(/api/v1)?/jobs/[^/]+/templates\.zip")
_ABOUT_PARTS = (b"range", b"if-range")
_TOTAL = re.compile(rb"bytes \d+-\d+/(\d+)")

Headers = list[tuple[bytes, bytes]]


class BrokenDownloadError(Exception):
    """What is downloaded has changed, or cannot be read on: the connection ends before the answer does."""


@dataclass
class _Part:
    """An answer to a request for a part."""

    status: int = 0
    headers: Headers = field(default_factory=list)

    def value(self, name: bytes) -> bytes:
        """Of a header; empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name), b"")


class PacedDownloads:
    """Answers a download from as many parts as it needs; what is no download, or fails, goes through as it is.

    Args:
        app: Serve's.
        part_bytes: of each part.
    """

    def __init__(self, app: ASGIApp, part_bytes: int = PART_BYTES) -> None:
        self._app, self._part_bytes = app, part_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["method"] != "GET" or not _PATHS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await self._download(scope, gone, send)
        finally:
            gone.cancel()

    async def _download(self, scope: Scope, gone: asyncio.Task[None], send: Send) -> None:
        receive = _receiver(gone)
        # The first byte tells how many there are, and of which file; an answer that is no part of it is the answer to all.
        first = await self._part(scope, receive(), 0, 1, _holding(send))
        if first.status != 206:
            return
        told, etag = _TOTAL.fullmatch(first.value(b"content-range")), first.value(b"etag")
        if told is None:
            raise BrokenDownloadError(f"a part of {scope['path']} came without its place in the file")
        total = int(told[1])
        asked = {name: value for name, value in scope["headers"] if name in _ABOUT_PARTS}
        try:
            part = byte_range(asked.get(b"range", b"").decode("latin-1"), total, asked.get(b"if-range"), etag)
        except RangeError:
            await self._app(scope, receive(), send)  # Which says so in the form of all failures.
            return
        start, stop = part or (0, total)
        await send({"type": "http.response.start", "status": 206 if part else 200, "headers": _headers(first, part, total)})
        while start < stop and not gone.done():  # The HTTP server takes what is sent to nobody, and says nothing.
            upto = min(start + self._part_bytes, stop)
            got = await self._part(scope, receive(), start, upto, _body_of(send, etag))
            if got.status != 206:
                raise BrokenDownloadError(f"byte {start} of {scope['path']} was answered with {got.status}")
            start = upto
        if not gone.done():
            await send({"type": "http.response.body", "body": b""})

    async def _part(
        self, scope: Scope, receive: Receive, start: int, stop: int, taken: Callable[[_Part, Message], Awaitable[None]]
    ) -> _Part:
        headers = [header for header in scope["headers"] if header[0] not in _ABOUT_PARTS]
        headers.append((b"range", f"bytes={start}-{stop - 1}".encode()))
        part, got = _Part(), 0

        async def take(message: Message) -> None:
            nonlocal got
            if message["type"] == "http.response.start":
                part.status, part.headers = message["status"], list(message.get("headers", []))
            got += len(message.get("body", b""))
            await taken(part, message)

        await self._app({**scope, "headers": headers}, receive, take)
        if part.status == 206 and got != stop - start:
            raise BrokenDownloadError(f"of bytes {start} to {stop} of {scope['path']} came {got}")
        return part


def _holding(send: Send) -> Callable[[_Part, Message], Awaitable[None]]:
    """Keeps back what is part of a file, and sends on what is none."""

    async def taken(part: _Part, message: Message) -> None:
        if part.status != 206:
            await send(message)

    return taken


def _body_of(send: Send, etag: bytes) -> Callable[[_Part, Message], Awaitable[None]]:
    """Sends on the bytes of the same file alone."""

    async def taken(part: _Part, message: Message) -> None:
        if part.status == 206 and part.value(b"etag") != etag:
            raise BrokenDownloadError("it is another file by now")
        if part.status == 206 and message.get("body"):
            await send({"type": "http.response.body", "body": message["body"], "more_body": True})

    return taken


def _headers(first: _Part, part: tuple[int, int] | None, total: int) -> Headers:
    start, stop = part or (0, total)
    kept: Iterable[tuple[bytes, bytes]] = (
        header for header in first.headers if header[0].lower() not in (b"content-length", b"content-range")
    )
    headers = [*kept, (b"content-length", str(stop - start).encode())]
    return [*headers, (b"content-range", f"bytes {start}-{stop - 1}/{total}".encode())] if part else headers


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _receiver(gone: asyncio.Task[None]) -> Callable[[], Receive]:
    """What each part's request hears of the client: an empty body, and when it hangs up."""

    def receiver() -> Receive:
        heard = False

        async def receive() -> Message:
            nonlocal heard
            if not heard:
                heard = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await asyncio.wait({gone})
            return {"type": "http.disconnect"}

        return receive

    return receiver
