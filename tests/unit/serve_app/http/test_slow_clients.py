"""Clients that take their answers slowly, or not at all, before the proxy that has to keep what waits for them."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from serve_app.http import slow_clients
from serve_app.http.slow_clients import SentAt, SlowClients
from tests.wait import wait_until

PATIENCE_SEC = 0.2
SCOPE: dict[str, Any] = {"type": "http", "path": "/api/v1/events", "method": "GET", "headers": []}


class Client:
    """Takes so many messages, and then no more.

    Attributes:
        taken: messages that it has.
    """

    def __init__(self, most: int) -> None:
        self.taken: list[Message] = []
        self._most = most

    async def receive(self) -> Message:
        return await asyncio.Future()  # It never goes by itself.

    async def send(self, message: Message) -> None:
        if len(self.taken) >= self._most:
            await asyncio.Event().wait()
        self.taken.append(message)


class Stream:
    """Sends piece after piece until its client has gone.

    Args:
        age_sec: seconds that each piece is older than the one before, beyond what has really passed.

    Attributes:
        sent: pieces.
    """

    def __init__(self, age_sec: float = 0.0) -> None:
        self.sent, self._age_sec = 0, age_sec

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_disconnected(receive))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not gone.done():
            sent_at = time.time() - self._age_sec * self.sent
            await send({"type": "http.response.body", "body": b"x", "more_body": True, slow_clients._SENT_AT: sent_at})
            self.sent += 1
            await asyncio.sleep(0)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def followed(client: Client, stream: Any, patience_sec: float = PATIENCE_SEC) -> None:
    """Until the stream has ended."""
    await asyncio.wait_for(SlowClients(stream, patience_sec)(SCOPE, client.receive, client.send), 30)


async def test_a_client_that_takes_nothing_more_has_gone_for_the_application() -> None:
    client, stream = Client(most=3), Stream()
    await followed(client, stream)
    assert len(client.taken) == 3 and stream.sent >= 2


async def test_a_client_that_falls_behind_has_gone_too() -> None:
    client, stream = Client(most=10_000), Stream(age_sec=0.05)
    await followed(client, stream)
    assert 1 < len(client.taken) < 10 and client.taken[-1]["type"] == "http.response.body"


async def test_clocks_that_differ_do_not_count() -> None:
    client = Client(most=10_000)

    async def from_another_node(scope: Scope, receive: Receive, send: Send) -> None:
        for index in range(50):
            message = {"type": "http.response.body", "body": b"x", "more_body": index < 49}
            await send({**message, slow_clients._SENT_AT: time.time() - 3600})

    await followed(client, from_another_node, patience_sec=30.0)
    assert len(client.taken) == 50


async def test_a_client_that_takes_everything_gets_everything() -> None:
    client = Client(most=10_000)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"all"})

    await followed(client, answer)
    assert [message["type"] for message in client.taken] == ["http.response.start", "http.response.body"]


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 131072, 200_000])
async def test_a_large_piece_is_sent_in_small_ones_and_whole(size: int) -> None:
    client, body = Client(most=10_000), bytes(index % 251 for index in range(size))

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": body})

    await followed(client, answer)
    pieces = client.taken[1:]
    assert b"".join(piece["body"] for piece in pieces) == 2 * body and max(len(piece["body"]) for piece in pieces) <= 65536
    assert [piece.get("more_body", False) for piece in pieces] == [True] * (len(pieces) - 1) + [False]


@pytest.mark.parametrize(("path", "dated"), [("/api/v1/events", True), ("/jobs/a/events", True), ("/api/v1/jobs", False)])
async def test_pieces_of_events_are_dated(path: str, dated: bool) -> None:
    client = Client(most=10)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})

    await SentAt(answer)({**SCOPE, "path": path}, client.receive, client.send)
    assert [slow_clients._SENT_AT in message for message in client.taken] == [False, dated]


@contextmanager
def serving(app: Any) -> Iterator[int]:
    """A real HTTP server, as Serve's proxy has it; gives its port."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, "the server has not started")
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


def test_a_real_server_hangs_up_on_a_client_that_reads_nothing() -> None:
    stream = Stream()
    piece = bytes(60_000)

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_much(message: Message) -> None:
            await send({**message, "body": piece} if message["type"] == "http.response.body" else message)

        await stream(scope, receive, send_much)
        ended.set()

    ended = threading.Event()
    with serving(SlowClients(endless, PATIENCE_SEC)) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: here\r\n\r\n")
        assert ended.wait(60) and stream.sent > 1  # What the system's own buffers take, and no more.
