"""What happened to jobs of late, in order: the one place that events are kept in, and that listeners read."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

EventName = Literal["queued", "started", "view", "warning", "finished", "removed", "reset"]
"""``reset`` is said to one listener alone, whose place in the log is lost; it is never in the log."""

KEPT_EVENTS = 20_000
"""A few hundred jobs' worth; some 10 MB at most."""

_ID = re.compile(r"([0-9a-f]{8})-([0-9]{1,15})")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        name: what.
        data: more of it, as JSON holds it; with the ``job_id``.
        number: its place in the log, from 1; None where it tells a present state and is not in the log.
    """

    name: EventName
    data: Mapping[str, Any]
    number: int | None = None


class EventLog:
    """A ring of the last events of this server; of one event loop.

    Args:
        kept: how many.

    Attributes:
        closed: set when nothing more is told: the server is about to stop.
        epoch: eight hexadecimal digits, new at each start of a server: numbers of another epoch mean nothing.
    """

    def __init__(self, kept: int = KEPT_EVENTS) -> None:
        self.epoch = secrets.token_hex(4)
        self._events: deque[Event] = deque(maxlen=kept)
        self._last = 0
        self.closed = asyncio.Event()
        self._waiting: asyncio.Future[None] | None = None

    @property
    def last(self) -> int:
        """Number of the last event; 0 without any."""
        return self._last

    def append(self, name: EventName, data: Mapping[str, Any]) -> None:
        """Something happened."""
        self._last += 1
        self._events.append(Event(name, data, self._last))
        self._wake()

    def close(self) -> None:
        """Nothing more is told."""
        self.closed.set()
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():  # Done: whoever waited was cancelled.
            self._waiting.set_result(None)
        self._waiting = None

    def since(self, number: int) -> list[Event] | None:
        """The events after a number, or None where some of them are not kept any more."""
        count = self._last - number
        if not 0 <= count <= len(self._events):
            return None
        return list(islice(self._events, len(self._events) - count, None))

    async def wait_after(self, number: int) -> None:
        """Wait until there is an event after this number, or the log is closed. One task at a time may."""
        if self._last <= number and not self.closed.is_set():
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting

    def id_of(self, number: int) -> str:
        """What a listener may name later, to go on after this number."""
        return f"{self.epoch}-{number}"

    def number_of(self, event_id: str) -> int | None:
        """The number in an id, or None where it is none of this log's."""
        match = _ID.fullmatch(event_id)
        if match is None or match[1] != self.epoch or int(match[2]) > self._last:
            return None
        return int(match[2])
