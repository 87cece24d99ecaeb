"""Shares the renderers between jobs, a few views at a time."""

from __future__ import annotations

import asyncio
import contextvars
import math
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from render_actor.types import BatchResult, Failure, ViewBatch
from serve_app.errors import ServiceError

MOST_LOST_RENDERERS = 2
"""A view that was lost with this many renderers is not tried again: it may be what kills them."""

BATCH_SECONDS = 0.5
"""Views are batched up to about this much work: long enough to hide the hand-over, short enough to stay fair."""

MOST_VIEWS_A_BATCH = 8


class PayloadLostError(Exception):
    """The renderer that held a batch's images was lost before they were fetched."""


@dataclass
class ViewWork:
    """The views of one job.

    Attributes:
        group: works of different groups get equal shares; those of one group go in order.
        views: number of views.
        make_batch: makes the request for some views.
        deliver: takes a successful result; may raise ``PayloadLostError``, or ``ServiceError`` to fail the work.
        on_failure: told of each batch that failed, whether or not it is tried again.
    """

    group: str
    views: int
    make_batch: Callable[[tuple[int, ...]], ViewBatch]
    deliver: Callable[[BatchResult], Awaitable[None]]
    on_failure: Callable[[BatchResult, Failure, tuple[int, ...]], None] = lambda result, failure, views: None
    pending: deque[int] = field(init=False)
    left: int = field(init=False)
    losses: dict[int, int] = field(default_factory=dict)
    seconds_a_view: float | None = None
    done: asyncio.Future[None] = field(init=False)

    def __post_init__(self) -> None:
        self.pending = deque(range(self.views))
        self.left = self.views
        self.done = asyncio.get_running_loop().create_future()

    def finish(self, error: BaseException | None = None) -> None:
        """End the work; only the first call counts."""
        self.pending.clear()
        if not self.done.done():
            if error is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(error)


class ViewScheduler:
    """Keeps a fixed number of view batches in flight, taken in turn from the groups that have work.

    Args:
        render: sends a batch to some renderer.
        in_flight: how many batches are out at once; a few more than there can be renderers, so that the autoscaler
            sees a queue and no renderer waits, and no more, so that a new job is not stuck behind an old one.
    """

    def __init__(self, render: Callable[[ViewBatch], Awaitable[BatchResult]], in_flight: int) -> None:
        self._render, self._most = render, in_flight
        self._groups: OrderedDict[str, deque[ViewWork]] = OrderedDict()
        self._out = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, work: ViewWork) -> None:
        """Render all views of a work; returns when all are delivered.

        Raises:
            ServiceError: a view failed, or its renderers were lost too often.
        """
        self._groups.setdefault(work.group, deque()).append(work)
        self._hand_out()
        try:
            await work.done
        finally:
            work.finish()
            self._forget(work)

    def _forget(self, work: ViewWork) -> None:
        queue = self._groups.get(work.group)
        if queue is not None and work in queue:
            queue.remove(work)
            if not queue:
                del self._groups[work.group]

    def _hand_out(self) -> None:
        while self._out < self._most and (work := self._next()) is not None:
            views = tuple(work.pending.popleft() for _ in range(self._batch_size(work)))
            self._out += 1
            self._start(self._one_batch(work, views))

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        # A task inherits the context of the request that made it, and Serve cancels what belongs to a request whose
        # client hangs up: start from an empty context.
        task = asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _next(self) -> ViewWork | None:
        for group in list(self._groups):
            for work in self._groups[group]:
                if work.pending:
                    self._groups.move_to_end(group)
                    return work
        return None

    def _batch_size(self, work: ViewWork) -> int:
        if work.seconds_a_view is None:
            return 1
        by_time = max(1, round(BATCH_SECONDS / max(work.seconds_a_view, 1e-3)))
        by_share = math.ceil(len(work.pending) / self._most)
        return min(by_time, by_share, MOST_VIEWS_A_BATCH, len(work.pending))

    async def _one_batch(self, work: ViewWork, views: tuple[int, ...]) -> None:
        try:
            result = await self._render(work.make_batch(views))
        except Exception as error:  # Serve and Ray raise many types when a replica goes; each means the same here.
            result = BatchResult("?", failure=Failure("renderer_lost", f"a renderer was lost: {type(error).__name__}: {error}"))
        finally:
            self._out -= 1
        try:
            if not work.done.done():
                await self._take(work, views, result)
        except Exception as error:
            work.finish(error)
        self._hand_out()

    async def _take(self, work: ViewWork, views: tuple[int, ...], result: BatchResult) -> None:
        failure = result.failure
        if failure is None:
            work.seconds_a_view = result.seconds / len(views)
            self._hand_out()  # Renderers need not wait until these views are written.
            try:
                await work.deliver(result)
            except PayloadLostError as error:
                failure = Failure("renderer_lost", f"a renderer was lost with its images: {error}")
        if failure is None:
            work.left -= len(views)
            if work.left == 0:
                work.finish()
            return
        work.on_failure(result, failure, views)
        if failure.worth_retrying:
            self._retry(work, views, failure)
        else:
            work.finish(_service_error(failure))

    def _retry(self, work: ViewWork, views: tuple[int, ...], failure: Failure) -> None:
        for view in views:
            work.losses[view] = work.losses.get(view, 0) + 1
        if max(work.losses[view] for view in views) >= MOST_LOST_RENDERERS:
            work.finish(_service_error(failure))
        else:
            work.pending.extendleft(reversed(views))


def _service_error(failure: Failure) -> ServiceError:
    return ServiceError(failure.code, failure.message, failure.field)
