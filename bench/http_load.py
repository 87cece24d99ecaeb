"""A small HTTP client that costs little beside what it measures: the load runs on the cores of the server."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Ask:
    """A request."""

    method: str
    path: str
    body: Any = None

    def bytes(self, host: str) -> bytes:
        """As it goes over the wire."""
        data = b"" if self.body is None else json.dumps(self.body).encode()
        kind = "" if self.body is None else f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        return f"{self.method} {self.path} HTTP/1.1\r\nHost: {host}\r\n{kind}\r\n".encode() + data


@dataclass(frozen=True)
class Answer:
    """Its status, its JSON, and the seconds from when it was due to be sent until its last byte."""

    status: int
    body: Any
    seconds: float


class Connection:
    """One connection that is kept; one request at a time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, ask: Ask, due: float | None = None) -> Answer:
        """Send a request and read its answer.

        Args:
            ask: what is asked.
            due: when it should have been sent, by ``time.monotonic``; now if left out.
        """
        began = time.monotonic() if due is None else due
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(ask.bytes(f"{self._host}:{self._port}"))
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        data = await reader.readexactly(length)
        return Answer(int(head.split(b" ", 2)[1]), json.loads(data), time.monotonic() - began)

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()


async def ask_all(url: str, asks: Sequence[Ask], connections: int) -> list[Answer]:
    """Ask by several clients, each of which sends its next request when it has its answer; answers in the order of ``asks``."""
    answers: dict[int, Answer] = {}
    left = iter(enumerate(asks))

    async def client() -> None:
        connection = Connection(url)
        for index, ask in left:
            answers[index] = await connection.ask(ask)
        connection.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return [answers[index] for index in range(len(asks))]


async def ask_at_rate(url: str, asks: Sequence[Ask], rate: float) -> list[Answer]:
    """Ask at a steady rate, however long the answers take: one that is late delays no other.

    Args:
        url: of the server.
        asks: the requests, in order.
        rate: of them a second.
    """
    idle: list[Connection] = []
    began = time.monotonic()

    async def one(ask: Ask, due: float) -> Answer:
        connection = idle.pop() if idle else Connection(url)
        answer = await connection.ask(ask, due)
        idle.append(connection)
        return answer

    tasks = []
    for index, ask in enumerate(asks):
        due = began + index / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        tasks.append(asyncio.create_task(one(ask, due)))
    answers = await asyncio.gather(*tasks)
    for connection in idle:
        connection.close()
    return answers
