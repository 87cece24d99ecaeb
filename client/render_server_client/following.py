"""A job's events: where to go on after a lost connection, and what a look at the job adds where the server streams none."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

from render_server_client.errors import NoServerError, RefusedError, WaitTimeoutError
from render_server_client.models import Event, Job
from render_server_client.wire import JOBS, Backoff, Session

POLL_SEC = 0.3
"""Between two looks at a job."""

_SILENT_SEC = 45.0
"""Without so much as a heartbeat, which comes every 15 s, the connection is dead."""


class Following:
    """The events of one job, each told once.

    Args:
        session: with the server.
        job_id: of the job.
        timeout_sec: after which nobody waits any longer; None waits for ever.

    Attributes:
        job_id: of the job.
        ended: whether the last event was told.
    """

    def __init__(self, session: Session, job_id: str, timeout_sec: float | None = None) -> None:
        self.job_id, self.ended = job_id, False
        self._session, self._timeout_sec = session, timeout_sec
        self._until = None if timeout_sec is None else time.monotonic() + timeout_sec
        self._last_id, self._told = "", set[tuple[str, Any]]()
        self._backoff: Backoff | None = None

    @property
    def request(self) -> dict[str, Any]:
        """What httpx's ``stream`` takes to listen, from where it broke off."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        timeout = httpx.Timeout(30.0, read=min(_SILENT_SEC, self._left()))
        return {"method": "GET", "url": f"{JOBS}/{self.job_id}/events", "headers": headers, "timeout": timeout}

    def _left(self) -> float:
        return _SILENT_SEC if self._until is None else max(0.05, self._until - time.monotonic())

    def check_time(self) -> None:
        """Raise where the time is over.

        Raises:
            WaitTimeoutError: so it is.
        """
        if self._until is not None and self._timeout_sec is not None and time.monotonic() >= self._until:
            raise WaitTimeoutError(self.job_id, self._timeout_sec)

    def poll_pause(self) -> float:
        """Seconds until the next look."""
        return min(POLL_SEC, self._left())

    def streamed(self, kind: str, data: str, event_id: str) -> list[Event]:
        """Events of what a stream has brought.

        Args:
            kind: its ``event:``.
            data: its ``data:``.
            event_id: its ``id:``.
        """
        self._backoff = None
        self._last_id = event_id or self._last_id
        try:
            content = json.loads(data) if data else {}
        except ValueError:
            content = {}
        if not isinstance(content, dict) or kind in ("message", "reset"):
            return []  # After a reset the present state follows.
        return self._new([Event(kind, content.get("job_id", self.job_id), content, event_id)])

    def polled(self, job: Job) -> list[Event]:
        """Events that tell what has become of a job since the last look."""
        heard = {kind for kind, _ in self._told}
        return self._new([event for event in _events_of(job) if event.kind not in heard or event.kind in ("view", "warning")])

    def _new(self, events: list[Event]) -> list[Event]:
        fresh = []
        for event in events:
            if event.kind in ("finished", "removed"):
                self.ended = True
            # Positions in the queue may come again; all else happens once.
            told = (event.kind, event.data.get("view", event.data.get("warning", event.data.get("position"))))
            if told not in self._told:
                self._told.add(told)
                fresh.append(event)
        return fresh

    def refused(self, refusal: RefusedError) -> None:
        """The server does not stream: this time, or, where it is older than streams, never.

        Raises:
            RefusedError: there is no such job, or it may not be looked at.
        """
        if refusal.no_such_route:
            self._session.streams = False
        elif not refusal.passing:
            raise refusal

    def silent(self) -> None:
        """What answers is no stream: there is nothing new after the last event, or something on the way does not let streams pass."""
        if not self._last_id:
            self._session.streams = False

    def pause_after(self, cause: Exception) -> float:
        """Seconds until the next try after a connection broke.

        Raises:
            NoServerError: it is not worth another.
            WaitTimeoutError: the time is over.
        """
        self.check_time()
        self._backoff = self._backoff or self._session.backoff()
        pause = self._backoff.next()
        if pause is None:
            raise NoServerError(self._session.url, cause) from cause
        return min(pause, self._left())


def _events_of(job: Job) -> list[Event]:
    """All that can have happened to a job, by its present state."""
    events = [_event("queued", job)]
    if job.status != "queued" or job.rendered:
        events.append(_event("started", job))
    seconds: Mapping[str, float] = job.record.get("view_seconds", {})
    for count, (view, took) in enumerate(seconds.items(), 1):
        events.append(_event("view", job, view=int(view), seconds=took, rendered_count=count, total_poses=job.total))
    events += [_event("warning", job, warning=warning) for warning in job.warnings]
    if job.ended:
        error = job.record.get("error")
        events.append(_event("finished", job, status=job.status, **({"error": error} if error else {})))
    return events


def _event(kind: str, job: Job, **data: Any) -> Event:
    return Event(kind, job.id, {"job_id": job.id, **data})
