"""Shares the renderers between jobs, a few views at a time."""

from __future__ import annotations

import asyncio
import contextvars
import math
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from render_actor.contract.types import BatchResult, Failure, ViewBatch
from serve_app.base.aio import run_to_end
from serve_app.base.errors import ServiceError
from serve_app.rendering.view_progress import ViewProgress

MOST_LOST_RENDERERS = 2
"""A view that was lost with this many renderers is not tried again: it may be what kills them."""

MOST_FAULTS = 4
"""Tries of a view that fail for reasons that no CAD can cause: a Blender that does not start, a replica that is gone."""

BATCH_SECONDS = 2.0
"""Views are batched up to about this much work: a hand-over costs tens of ms of CPU; a new job waits that long for its turn."""

MOST_VIEWS_A_BATCH = 8

URGENT_TURNS = 3
"""Of four batches handed out while both kinds of work wait, so many go to urgent work: batches are slowed, never starved."""

REPLICA_LOST_PAUSE_SEC = 1.0
"""A Blender ends itself within this time when the replica that owns it is gone; only then are its views given to another."""


class PayloadLostError(Exception):
    """The renderer that held a batch's images was lost before they were fetched."""


@dataclass(eq=False)
class ViewWork:
    """The views of one job.

    Attributes:
        group: works of different groups get equal shares; those of one group go in order.
        views: number of views.
        make_batch: makes the request for some views under a fence.
        deliver: takes a successful result; may raise ``PayloadLostError``, or ``ServiceError`` to fail the work.
        on_failure: told of each batch that failed, whether or not it is tried again.
        urgent: whether it goes before work that is not.
        done_before: views that need not be rendered.
    """

    group: str
    views: int
    make_batch: Callable[[tuple[int, ...], int], ViewBatch]
    deliver: Callable[[BatchResult], Awaitable[None]]
    on_failure: Callable[[BatchResult, Failure, tuple[int, ...]], None] = lambda result, failure, views: None
    urgent: bool = True
    done_before: frozenset[int] = frozenset()
    progress: ViewProgress = field(init=False)
    pending: deque[int] = field(init=False)
    losses: dict[int, int] = field(default_factory=dict)
    faults: dict[int, int] = field(default_factory=dict)
    seconds_a_view: float | None = None
    done: asyncio.Future[None] = field(init=False)

    def __post_init__(self) -> None:
        self.progress = ViewProgress(self.views)
        self.progress.finish(tuple(sorted(self.done_before)))
        self.pending = deque(self.progress.pending())
        self.done = asyncio.get_running_loop().create_future()

    def finish(self, error: BaseException | None = None) -> None:
        """End the work; only the first call counts."""
        self.pending.clear()
        if not self.done.done():
            if error is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(error)


@dataclass(eq=False)
class _Batch:
    """Views that are out at a renderer, or being delivered."""

    work: ViewWork
    views: tuple[int, ...]
    fence: int
    task: asyncio.Task[None] | None = None
    delivering: bool = False


class ViewScheduler:
    """Keeps a fixed number of view batches in flight, taken in turn from the groups that have work.

    Args:
        render: sends a batch to some renderer; cancelling it makes the renderer drop the batch, by force if need be.
        in_flight: how many batches are out at once; a few more than there can be renderers, so that the autoscaler
            sees a queue and no renderer waits, and no more, so that a new job is not stuck behind an old one.
        epoch: of this server; fences of different epochs differ.
        grace_sec: how long a batch that nobody wants any more may still run before it is cancelled.
    """

    def __init__(
        self, render: Callable[[ViewBatch], Awaitable[BatchResult]], in_flight: int, *, epoch: int = 0, grace_sec: float = 5.0
    ) -> None:
        self._render, self._most, self._grace = render, in_flight, grace_sec
        self._groups: OrderedDict[tuple[bool, str], deque[ViewWork]] = OrderedDict()
        self._fence = epoch << 40
        self._urgent_turns = 0
        self._out = 0
        self._paused = False
        self._batches: set[_Batch] = set()

    async def run(self, work: ViewWork) -> None:
        """Render all views of a work; returns when all are delivered.

        When this returns, or raises, nothing is being delivered any more. Cancelling it gives the work up.

        Raises:
            ServiceError: a view failed, or its renderers were lost too often.
        """
        if not work.pending:
            return
        key = (work.urgent, work.group)
        self._groups.setdefault(key, deque()).append(work)
        self._hand_out()
        try:
            await work.done
        finally:
            work.finish()
            self._forget(key, work)
            await run_to_end(self._settle([batch for batch in self._batches if batch.work is work]))

    def _forget(self, key: tuple[bool, str], work: ViewWork) -> None:
        queue = self._groups[key]
        queue.remove(work)
        if not queue:
            del self._groups[key]

    async def _settle(self, batches: list[_Batch]) -> None:
        """Wait for batches that are being delivered; give those that still render a time of grace, and go on."""
        loop = asyncio.get_running_loop()
        for batch in batches:
            if batch.task is not None and not batch.delivering:
                loop.call_later(self._grace, batch.task.cancel)
        delivering = [batch.task for batch in batches if batch.delivering and batch.task is not None]
        if delivering:
            await asyncio.wait(delivering)

    async def pause(self, grace_sec: float) -> None:
        """Hand nothing out any more, and return when nothing is out: after ``grace_sec`` what still renders is cancelled."""
        self._paused = True
        until = asyncio.get_running_loop().time() + grace_sec
        while tasks := [batch.task for batch in self._batches if batch.task is not None]:
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                for batch in self._batches:
                    if batch.task is not None and not batch.delivering:
                        batch.task.cancel()
            await asyncio.wait(tasks, timeout=max(left, 0.1))

    def _hand_out(self) -> None:
        while not self._paused and self._out < self._most and (work := self._next()) is not None:
            views = tuple(work.pending.popleft() for _ in range(self._batch_size(work)))
            self._fence += 1
            self._out += 1
            work.progress.start(views, self._fence)
            batch = _Batch(work, views, self._fence)
            self._batches.add(batch)
            batch.task = self._start(self._one_batch(batch))
            batch.task.add_done_callback(lambda _, batch=batch: self._batches.discard(batch))  # type: ignore[misc]

    @staticmethod
    def _start(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # A task inherits the context of the request that made it, and Serve cancels what belongs to a request whose
        # client hangs up: start from an empty context.
        return asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())

    def _next(self) -> ViewWork | None:
        for urgent in (True, False) if self._urgent_turns < URGENT_TURNS else (False, True):
            for key in list(self._groups):
                if key[0] != urgent:
                    continue
                for work in self._groups[key]:
                    if work.pending:
                        self._groups.move_to_end(key)
                        self._urgent_turns = self._urgent_turns + 1 if urgent else 0
                        return work
        return None

    def _batch_size(self, work: ViewWork) -> int:
        # Views that were lost together go again one by one: one of them may be to blame.
        if work.seconds_a_view is None or work.losses.get(work.pending[0]):
            return 1
        by_time = max(1, round(BATCH_SECONDS / max(work.seconds_a_view, 1e-3)))
        by_share = math.ceil(len(work.pending) / self._most)
        return min(by_time, by_share, MOST_VIEWS_A_BATCH, len(work.pending))

    async def _one_batch(self, batch: _Batch) -> None:
        work, views = batch.work, batch.views
        fault = False
        try:
            result = await self._render(work.make_batch(views, batch.fence))
        except asyncio.CancelledError:
            self._give_back(work, views)
            return
        except Exception as error:  # Serve and Ray raise many types when a replica goes; each means the same here.
            cause = f"{type(error).__name__}: {error}"
            result = BatchResult("?", failure=Failure("renderer_lost", "a renderer was lost: it could not be reached", cause=cause))
            fault = True
        finally:
            self._out -= 1
            self._hand_out()
        try:
            # A work that has ended, or a later attempt, wants nothing of this one.
            if not work.done.done() and work.progress.is_current(views, batch.fence):
                batch.delivering = True
                await self._take(batch, result, fault)
        except Exception as error:
            work.finish(error)
        self._hand_out()

    @staticmethod
    def _give_back(work: ViewWork, views: tuple[int, ...]) -> None:
        work.progress.give_up(views)
        if not work.done.done():
            work.pending.extendleft(reversed(views))

    async def _take(self, batch: _Batch, result: BatchResult, fault: bool) -> None:
        work, views, failure = batch.work, batch.views, result.failure
        if failure is None:
            work.seconds_a_view = result.seconds / len(views)
            try:
                await work.deliver(result)
            except PayloadLostError as error:
                failure, fault = Failure("renderer_lost", "a renderer was lost with its images", cause=str(error)), True
        if failure is None:
            work.progress.finish(views)
            if work.progress.complete:
                work.finish()
            return
        work.on_failure(result, failure, views)
        if not failure.worth_retrying:
            work.finish(_service_error(failure))
            return
        fault = fault or failure.code == "renderer_start_failed"
        counts, most = (work.faults, MOST_FAULTS) if fault else (work.losses, MOST_LOST_RENDERERS)
        for view in views:
            counts[view] = counts.get(view, 0) + 1
        if max(counts[view] for view in views) >= most:
            work.finish(_service_error(failure))
            return
        if fault:
            await asyncio.sleep(REPLICA_LOST_PAUSE_SEC)
        self._give_back(work, views)


def _service_error(failure: Failure) -> ServiceError:
    return ServiceError(failure.code, failure.message, failure.field)
