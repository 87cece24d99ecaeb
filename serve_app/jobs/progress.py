"""How far a live job is: the one owner of its phase, its times and its results."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, Protocol

from serve_app.base.errors import ServiceError
from serve_app.jobs.states import FINAL_STATES, JobPhase, JobState, checked_move, state_of

StopReason = Literal["cancel", "put_back"]
"""``cancel``: the client wants it no more. ``put_back``: the server stops, and the next one goes on with the job."""


class ProgressListener(Protocol):
    """Is told what happens to a job, one thing at a time."""

    def queued(self) -> None:
        """It is accepted, and waits."""

    def started(self) -> None:
        """It has its slot."""

    def views_done(self, seconds: Mapping[int, float]) -> None:
        """Views are there that were not before; seconds of each, by index."""

    def warned(self, warnings: Sequence[str]) -> None:
        """There are more warnings."""

    def finished(self) -> None:
        """It has ended, and whoever waits for it is answered."""


class JobProgress:
    """Moves a job through its phases and keeps what it has brought so far.

    Durations are measured with the monotonic clock, since the wall clock may be moved under us; moments are of the wall clock.

    Args:
        job_id: for messages.
        started_at: when it first ran, in Unix seconds, where an earlier server began it.
        ran_before_sec: seconds that it ran under earlier servers.

    Attributes:
        started_at: when it first ran, in Unix seconds, or None.
        ended_at: when it reached a final state, in Unix seconds, or None.
        error: why it did not succeed, or None.
        stop_reason: why it is to stop, or None.
        cad: what the CAD is, as a value that JSON can hold; None until it is read.
        cached: whether the templates are copies of another rendering of the same.
        waiting_for: what holds it up although it has its slot, or None.
        on_change: called after each change of the phase, of the views that are done and of their number: whoever keeps totals over many
            jobs need not look at them all.
        listener: is told what happens, or None.
    """

    def __init__(self, job_id: str, *, started_at: float | None = None, ran_before_sec: float = 0.0) -> None:
        self._job_id = job_id
        self._phase: JobPhase = "arriving"
        self._stored_state: JobState | None = None
        self._arrived = time.monotonic()
        self._running_since: float | None = None
        self._ran_before_sec = ran_before_sec
        self._view_seconds: dict[int, float] = {}
        self._decided, self._released = asyncio.Event(), asyncio.Event()
        self.started_at = started_at
        self.ended_at: float | None = None
        self.error: ServiceError | None = None
        self.stop_reason: StopReason | None = None
        self._total_poses = 0
        self._warnings: list[str] = []
        self.cad: dict[str, Any] | None = None
        self.cached = False
        self.waiting_for: str | None = None
        self.on_change: Callable[[], None] | None = None
        self.listener: ProgressListener | None = None

    # Where it stands.

    @property
    def phase(self) -> JobPhase:
        """Where the job stands in this server."""
        return self._phase

    @property
    def status(self) -> JobState:
        """What the store and clients see of the phase."""
        return state_of(self._phase)

    @property
    def ended(self) -> bool:
        """Whether the job is in a final state."""
        return self._phase in FINAL_STATES

    @property
    def published(self) -> bool:
        """Whether its folder is in place."""
        return self._phase in ("published", "succeeded")

    @property
    def age_sec(self) -> float:
        """Seconds since this server took the job in."""
        return time.monotonic() - self._arrived

    @property
    def elapsed_sec(self) -> float | None:
        """Seconds that it has run, under this server and earlier ones; None before it started."""
        if self._running_since is not None:
            return self._ran_before_sec + time.monotonic() - self._running_since
        return self._ran_before_sec if self.started_at is not None else None

    @property
    def view_seconds(self) -> Mapping[int, float]:
        """Seconds of each view that is done, by index."""
        return MappingProxyType(self._view_seconds)

    # What it has brought.

    @property
    def total_poses(self) -> int:
        """Number of its views; 0 until its cameras are known."""
        return self._total_poses

    @total_poses.setter
    def total_poses(self, count: int) -> None:
        self._total_poses = count
        self._tell()

    def _tell(self) -> None:
        if self.on_change is not None:
            self.on_change()

    def views_done(self, seconds: Mapping[int, float]) -> None:
        """Views are rendered or copied, and their files written.

        Args:
            seconds: of each, by index.
        """
        fresh = {view: taken for view, taken in seconds.items() if view not in self._view_seconds}
        self._view_seconds.update(seconds)
        self.waiting_for = None
        self._tell()
        if self.listener is not None and fresh:
            self.listener.views_done(fresh)

    @property
    def warnings(self) -> list[str]:
        """Sentences for the client; a copy."""
        return list(self._warnings)

    def warn(self, warnings: Sequence[str]) -> None:
        """There are more sentences for the client."""
        self._warnings += warnings
        if self.listener is not None and warnings:
            self.listener.warned(warnings)

    # Its moves.

    def _move_to(self, phase: JobPhase) -> None:
        self._enter(checked_move(self._job_id, self._phase, phase))
        self._tell()

    def _enter(self, phase: JobPhase) -> None:
        self._phase, self.waiting_for = phase, None
        if self._phase == "running":
            self.started_at = self.started_at or time.time()
            self._running_since = time.monotonic()
            return
        if self._phase != "published" and self._running_since is not None:
            self._ran_before_sec, self._running_since = self.elapsed_sec or 0.0, None
        if self.ended:
            self.ended_at = time.time()

    def accept(self) -> None:
        """It is in the store: from now on it is a job."""
        self._move_to("queued")
        self._decided.set()
        if self.listener is not None:
            self.listener.queued()

    def refuse(self) -> None:
        """It is no job: it could not be stored, or its id or key is another job's."""
        self._move_to("refused")
        self._decided.set()
        self._released.set()

    def start(self) -> None:
        """It has its slot."""
        self._move_to("running")
        if self.listener is not None:
            self.listener.started()

    def publish(self) -> None:
        """Its folder is in place."""
        self._move_to("published")

    def succeed(self) -> None:
        """Its publishing has ended it."""
        self._move_to("succeeded")

    def fail(self, error: ServiceError) -> None:
        """It cannot be done."""
        self._move_to("failed")
        self.error = error

    def time_out(self, error: ServiceError) -> None:
        """One of its time limits is reached."""
        self._move_to("timeout")
        self.error = error

    def cancel(self, error: ServiceError) -> None:
        """The client has stopped it."""
        self._move_to("canceled")
        self.error = error

    def put_back(self) -> None:
        """This server will not go on with it; the next one does."""
        self._move_to("put_back")

    def request_stop(self, reason: StopReason) -> None:
        """Say why it is to stop; only the first reason counts."""
        self.stop_reason = self.stop_reason or reason

    # What the store knows, and who waits.

    def is_stored(self, state: JobState) -> None:
        """The store has this state."""
        self._stored_state = state

    @property
    def end_is_stored(self) -> bool:
        """Whether the store knows how the job ended."""
        return self.ended and self._stored_state == self.status

    def release(self) -> None:
        """Answer whoever waits for the job: it has ended, or this server will not go on with it."""
        if not self._released.is_set() and self.ended and self.listener is not None:
            self.listener.finished()
        self._released.set()

    async def wait_decided(self) -> bool:
        """Wait until it is in the store, or refused; returns whether it is a job."""
        await self._decided.wait()
        return self._phase != "refused"

    async def wait_released(self) -> None:
        """Wait until the job has ended, or until this server will not go on with it."""
        await self._released.wait()
