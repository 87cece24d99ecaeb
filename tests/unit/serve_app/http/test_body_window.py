"""Large bodies between Serve's proxy and the ingress, with all that lies between standing in for Serve: it fetches what it can get."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app.http import body_window
from serve_app.http.body_window import WINDOW_BYTES, BodyTaken, BodyWindow, is_windowed

CHUNK = bytes(64 * 1024)
CHUNKS = 400


class Eager:
    """Fetches a body as fast as it comes, as Serve does, and keeps it until the application asks.

    Attributes:
        most: bytes that it held at once.
        fetched: bytes that it was given.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app, self.most, self.fetched = app, 0, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        queue: asyncio.Queue[Message] = asyncio.Queue()
        held = 0

        async def fetch() -> None:
            nonlocal held
            while True:
                message = await receive()
                held += len(message.get("body", b""))
                self.fetched += len(message.get("body", b""))
                self.most = max(self.most, held)
                queue.put_nowait(message)
                await asyncio.sleep(0)
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    return

        async def take() -> Message:
            nonlocal held
            message = await queue.get()
            held -= len(message.get("body", b""))
            return message

        fetching = asyncio.create_task(fetch())
        try:
            await self._app(scope, take, send)
        finally:
            fetching.cancel()


async def slow_reader(scope: Scope, receive: Receive, send: Send) -> None:
    """Takes a body piece by piece, with a pause after each."""
    size = 0
    async for chunk in Request(scope, receive).stream():
        size += len(chunk)
        for _ in range(5):
            await asyncio.sleep(0)
    await JSONResponse({"bytes": size, "windowed": is_windowed(scope)})(scope, receive, send)


async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers before it has read anything."""
    await PlainTextResponse("no", 413)(scope, receive, send)


async def chunks(count: int = CHUNKS) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield CHUNK


async def sent(between: Eager, content: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=BodyWindow(between)), base_url="http://server") as http:
        return await http.post("/", content=content, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("declared", [True, False])
async def test_no_more_of_a_body_waits_than_the_window(declared: bool) -> None:
    between = Eager(BodyTaken(slow_reader))
    length = {"content_length": str(CHUNKS * len(CHUNK))} if declared else {}
    answer = await asyncio.wait_for(sent(between, chunks(), **length), 60)
    assert answer.json() == {"bytes": CHUNKS * len(CHUNK), "windowed": True}
    assert WINDOW_BYTES / 2 < between.most <= WINDOW_BYTES + len(CHUNK)


async def test_without_a_word_of_what_is_taken_no_more_than_the_window_is_read() -> None:
    between = Eager(slow_reader)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sent(between, chunks()), 1)
    assert between.fetched <= WINDOW_BYTES + len(CHUNK)


async def test_a_small_body_is_left_alone() -> None:
    between = Eager(BodyTaken(slow_reader))
    assert (await sent(between, bytes(1000))).json() == {"bytes": 1000, "windowed": False}


async def test_a_client_cannot_say_that_a_proxy_listens() -> None:
    between = Eager(BodyTaken(slow_reader))
    answer = await sent(between, bytes(2 * body_window._TOLD_BYTES), x_render_body_window="1")
    assert answer.json() == {"bytes": 2 * body_window._TOLD_BYTES, "windowed": False}


async def test_a_body_that_is_refused_is_answered_at_once() -> None:
    answer = await asyncio.wait_for(sent(Eager(BodyTaken(refusing)), chunks()), 10)
    assert (answer.status_code, answer.text) == (413, "no")
