"""Gives what is logged to all who listen: each event is encoded once, however many they are, and nothing is done while nobody listens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

from fastapi.sse import format_sse_event

from serve_app.base import metrics
from serve_app.base.aio import spawn
from serve_app.base.errors import ServiceError
from serve_app.jobs.event_log import Event, EventLog

HEARTBEAT_SEC = 15.0
HEARTBEAT = b": \n"
"""A comment, without the empty line that ends an event: to some clients each such line is one."""

RETRY_MS = 2000
"""When a client is to connect again after its stream has ended."""

STREAM_SEC = 3600.0
"""About when a stream ends by itself. Its client connects again and misses nothing; what one that does not read holds is given free."""

_GATHER_SEC = 0.03
"""Events that come within this time go out together, such as a job's ``queued`` and ``started``."""

_PAUSE_SEC_A_LISTENER = 0.002
"""And none goes out for so long after others: 500 messages a second at most, to all listeners taken together."""

_POSITION_SEC = 2.0
"""How often a job that waits is looked at for another place in the queue."""

_BUSY_RETRY_SEC = 10


def encoded(event: Event, log: EventLog, number: int | None = None) -> bytes:
    """An event as it is sent.

    Args:
        event: any.
        log: that ids are of.
        number: of the event after which its listener may go on, where that is not its own.
    """
    number = event.number if number is None else number
    data = json.dumps(event.data, ensure_ascii=False, separators=(",", ":"))
    return format_sse_event(data_str=data, event=event.name, id=None if number is None else log.id_of(number))


def opening(log: EventLog, present: list[Event], after: int) -> bytes:
    """What a stream begins with, such as how things stand. Only its last event has an id: a client that got half of it begins anew."""
    parts = [format_sse_event(retry=RETRY_MS) if not present else f"retry: {RETRY_MS}\n".encode()]
    parts += [encoded(event, log) for event in present[:-1]]
    parts += [encoded(event, log, after) for event in present[-1:]]
    return b"".join(parts)


@dataclass(eq=False)
class _Listener:
    """One open stream.

    Attributes:
        chunks: encoded events that it has not sent yet.
        news: set when there are some, or when it is to end.
        ended: whether nothing more comes.
    """

    after: int
    chunks: list[bytes] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    def give(self, chunk: bytes, last: bool = False) -> None:
        self.chunks.append(chunk)
        self.ended = self.ended or last
        self.news.set()

    def end(self) -> None:
        self.ended = True
        self.news.set()


class EventStreams:
    """All open streams.

    Args:
        log: that they tell.
        max_streams: how many there may be at once: each holds a place among the requests of the ingress.
    """

    def __init__(self, log: EventLog, max_streams: int) -> None:
        self._log, self._max_streams = log, max_streams
        self._all: set[_Listener] = set()
        self._of_job: defaultdict[str, set[_Listener]] = defaultdict(set)
        self._open = 0
        self._told = 0
        self._pump: asyncio.Task[None] | None = None

    def check_open(self) -> None:
        """Whether one more stream may be opened.

        Raises:
            ServiceError: ``draining``, or ``too_many_waiting`` with when to try again.
        """
        if self._log.closed.is_set():
            raise ServiceError("draining", "the server is stopping; listen again when it has started", retry_after_sec=_BUSY_RETRY_SEC)
        if self._open >= self._max_streams:
            raise ServiceError(
                "too_many_waiting",
                f"{self._open} clients listen to events already (RENDER_MAX_EVENT_STREAMS is {self._max_streams}); try again in "
                f"{_BUSY_RETRY_SEC} s, or ask GET /api/v1/jobs now and then",
                retry_after_sec=_BUSY_RETRY_SEC,
            )

    async def stream(
        self,
        present: list[Event] | None,
        after: int,
        seconds: float | None,
        job_id: str | None = None,
        position: Callable[[], Event | None] | None = None,
    ) -> AsyncIterator[bytes]:
        """What one client is sent, until it goes, the server stops, or its job has ended.

        Args:
            present: how things stood after that event; None where the client knows.
            after: number of the event after which the log's own follow.
            seconds: after which it ends at the latest; None for about ``STREAM_SEC``.
            job_id: of the job that it is about; None for all.
            position: gives the place of its job in the queue as an event; None when it does not wait any more.
        """
        listener = _Listener(self._log.last)
        begin = opening(self._log, present or [], after) + self._missed(listener, after, job_id)
        listener.ended = listener.ended or (job_id is not None and any(map(_is_last, present or ())))
        of = self._all if job_id is None else self._of_job[job_id]
        of.add(listener)
        self._count(1)
        if self._pump is None or self._pump.done():
            self._told, self._pump = self._log.last, spawn(self._run())
        try:
            yield begin
            until = time.monotonic() + (random.uniform(0.9, 1.1) * STREAM_SEC if seconds is None else seconds)
            async for chunk in _chunks(listener, until, position and _Place(position, self._log)):
                yield chunk
        finally:
            of.discard(listener)
            self._count(-1)
            if job_id is not None and not of and self._of_job.get(job_id) is of:
                del self._of_job[job_id]
            if not self._open and self._pump is not None:
                self._pump.cancel()
                self._pump = None

    def _count(self, change: int) -> None:
        self._open += change
        metrics.EVENT_STREAMS.set(self._open)

    def _missed(self, listener: _Listener, after: int, job_id: str | None) -> bytes:
        events = self._log.since(after)
        if events is None or self._log.closed.is_set():
            listener.ended = True
            return b""
        mine = [event for event in events if job_id in (None, event.data["job_id"])]
        listener.ended = job_id is not None and any(map(_is_last, mine))
        return b"".join(encoded(event, self._log) for event in mine)

    async def _run(self) -> None:
        try:
            while not self._log.closed.is_set():
                await self._log.wait_after(self._told)
                await self._pause(_GATHER_SEC)
                self._deliver()
                await self._pause(_PAUSE_SEC_A_LISTENER * self._open)
        finally:
            for listener in self._listeners():
                listener.end()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._log.closed.wait(), seconds)

    def _listeners(self) -> list[_Listener]:
        return [*self._all, *(listener for listeners in self._of_job.values() for listener in listeners)]

    def _deliver(self) -> None:
        events = self._log.since(self._told)
        self._told = self._log.last
        if events is None:  # More has happened in a moment than is kept: they connect again, and are told how things stand.
            for listener in self._listeners():
                listener.end()
            return
        chunks = {event.number: encoded(event, self._log) for event in events if self._all or event.data["job_id"] in self._of_job}
        whole = b"".join(chunks.values()) if self._all else b""
        for listener in self._all:
            new = whole if not events or listener.after < (events[0].number or 0) else _joined(chunks, listener.after)
            if new:
                listener.give(new)
        for event in events:
            for listener in self._of_job.get(event.data["job_id"], ()):
                if (event.number or 0) > listener.after:
                    listener.give(chunks[event.number], last=_is_last(event))


def _joined(chunks: dict[int | None, bytes], after: int) -> bytes:
    return b"".join(chunk for number, chunk in chunks.items() if (number or 0) > after)


def _is_last(event: Event) -> bool:
    return event.name in ("finished", "removed")


class _Place:
    """Tells the place of a job in the queue, when it is another than before."""

    def __init__(self, position: Callable[[], Event | None], log: EventLog) -> None:
        self._position, self._log = position, log
        self._told = position()

    @property
    def waits(self) -> bool:
        return self._told is not None

    def change(self) -> Iterable[bytes]:
        now = self._position()
        if now is not None and self._told is not None and now.data != self._told.data:
            yield encoded(now, self._log)
        self._told = now


async def _chunks(listener: _Listener, until: float, place: _Place | None) -> AsyncIterator[bytes]:
    """What a listener is given, and heartbeats while it is given nothing."""
    beat = time.monotonic() + HEARTBEAT_SEC
    while True:
        if listener.chunks:
            chunk = b"".join(listener.chunks)
            listener.chunks.clear()
            yield chunk
            beat = time.monotonic() + HEARTBEAT_SEC
        if listener.ended or time.monotonic() >= until:
            return
        listener.news.clear()
        pause_sec = min(beat, until) - time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(pause_sec, _POSITION_SEC) if place and place.waits else pause_sec):
                await listener.news.wait()
        if listener.chunks or listener.ended:
            continue
        for chunk in place.change() if place and place.waits else ():
            yield chunk
        if time.monotonic() >= beat:
            yield HEARTBEAT
            beat = time.monotonic() + HEARTBEAT_SEC
