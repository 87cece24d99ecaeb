"""Shares the renderers between jobs, a few views at a time, and gives out what happened to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from render_actor.contract.fence import first_fence
from render_actor.contract.types import BatchResult, Failure
from serve_app.base.aio import spawn
from serve_app.base.errors import ServiceError
from serve_app.rendering.fair_queue import BatchTurn, FairQueue
from serve_app.rendering.outcomes import FailedBatch, Outcome, Outcomes, RenderedBatch
from serve_app.rendering.renderers import BatchRenderers, PayloadLostError
from serve_app.rendering.view_work import ViewWork


@dataclass(eq=False)
class _Batch:
    """Views that are out at a renderer, or on their way to the consumer.

    Attributes:
        turn: of the work, that it was handed out for.
        rendering: whether a renderer still has it.
        task: takes it from the one to the other.
    """

    turn: BatchTurn
    views: tuple[int, ...]
    fence: int
    outcomes: Outcomes
    rendering: bool = True
    task: asyncio.Task[None] = field(init=False)

    @property
    def work(self) -> ViewWork:
        """Whose views these are."""
        return self.turn.work

    @property
    def wanted(self) -> bool:
        """Whether its views are still awaited under its fence; otherwise its answer is late."""
        return self.work.progress.is_current(self.views, self.fence)

    def give_up(self) -> None:
        """Its views are pending again, unless it was given up before."""
        if self.wanted:
            self.work.progress.give_up(self.views, self.fence)


class ViewScheduler:
    """Keeps a fixed number of view batches in flight.

    Args:
        renderers: where batches go; cancelling ``render`` makes a renderer drop the batch, by force if need be.
        in_flight: how many batches are out at once; a few more than there can be renderers, so that the autoscaler
            sees a queue and no renderer waits, and no more, so that a new job is not stuck behind an old one.
        queued: how many of them are more than there can be renderers.
        epoch: of this server; the fences of a later server are higher.
        grace_sec: how long a batch that nobody wants any more may go on rendering before it is cancelled.
    """

    def __init__(self, renderers: BatchRenderers, in_flight: int, *, queued: int = 0, epoch: int = 0, grace_sec: float = 5.0) -> None:
        self._renderers, self._in_flight, self._grace = renderers, in_flight, grace_sec
        self._queue = FairQueue(in_flight, queued)
        self._outcomes: dict[ViewWork, Outcomes] = {}
        self._fence = first_fence(epoch)
        self._rendering = 0
        self._paused = False
        self._batches: set[_Batch] = set()

    async def views(self, work: ViewWork) -> AsyncGenerator[Outcome, None]:
        """Render all views of a work.

        A work is rendered once. Use this with ``contextlib.aclosing``: closing it gives the work up. Batches that still render then
        get the grace time, their answers are dropped, and nothing is given out any more. The consumer is done with an outcome when it
        asks for the next one; one that is slow gets no more renderers than it can follow.

        Yields:
            Each rendered batch, and each failed one whether or not it is tried again, in the order in which they ended.

        Raises:
            ServiceError: a view failed, or lost too many renderers. Nothing comes after it.
        """
        outcomes = self._outcomes[work] = Outcomes()
        self._queue.add(work)
        self._hand_out()
        try:
            while not (work.progress.complete and outcomes.empty):
                yield await outcomes.next()
        finally:
            outcomes.settle()
            self._end(work)

    def _end(self, work: ViewWork) -> None:
        self._queue.remove(work)
        del self._outcomes[work]
        loop = asyncio.get_running_loop()
        for batch in self._batches:
            if batch.work is not work:
                continue
            batch.give_up()
            if not batch.rendering:
                batch.task.cancel()
            elif not work.too_slow:  # Its views end by themselves; to cancel them would cost their renderers.
                loop.call_later(self._grace, batch.task.cancel)

    async def pause(self, grace_sec: float) -> None:
        """Hand nothing out any more, and return when no batch is out and the consumers are done with all that was rendered.

        Args:
            grace_sec: what still renders after so many seconds is cancelled; its views are pending again.
        """
        self._paused = True
        until = asyncio.get_running_loop().time() + grace_sec
        while self._batches:
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                for batch in self._batches:
                    if batch.rendering:
                        batch.task.cancel()
            await asyncio.wait([batch.task for batch in self._batches], timeout=max(left, 0.1))

    def _hand_out(self) -> None:
        while not self._paused and self._rendering < self._in_flight and (turn := self._queue.next()) is not None:
            self._fence += 1
            self._rendering += 1
            batch = _Batch(turn, turn.work.progress.start(turn.count, self._fence), self._fence, self._outcomes[turn.work])
            self._batches.add(batch)
            # Of no request: Serve cancels the tasks of a request whose client hangs up.
            batch.task = spawn(self._carry(batch))
            batch.task.add_done_callback(lambda _, batch=batch: self._batches.discard(batch))  # type: ignore[misc]

    async def _carry(self, batch: _Batch) -> None:
        """Take a batch to a renderer, and what becomes of it to the consumer."""
        failure: Failure | None = None
        seconds = None
        try:
            result = await self._renderers.render(batch.work.batch(batch.views, batch.fence))
            failure, fault = result.failure, False
            seconds = result.mesh_seconds + result.seconds if result.seconds else None
        except asyncio.CancelledError:
            batch.give_up()
            return
        except Exception as error:  # Serve and Ray raise many types when a replica goes; each means the same here.
            cause = f"{type(error).__name__}: {error}"
            result, fault = BatchResult("?"), True
            failure = Failure("renderer_lost", "a renderer was lost: it could not be reached", cause=cause)
        finally:
            batch.rendering = False
            self._rendering -= 1
            self._queue.ended(batch.turn, seconds)
            if failure is not None and not failure.worth_retrying and batch.wanted:
                batch.work.given_up = True  # Before another renderer is spent on it.
            self._hand_out()
        if not batch.wanted:
            return
        try:
            if failure is None:
                failure, fault = await self._deliver(batch, result), True
            if failure is not None:
                await self._fail(batch, result, failure, fault=fault)
        except Exception as error:  # A fault of the program; its job must not wait for ever.
            self._give_up_work(batch, error)
        self._hand_out()

    async def _deliver(self, batch: _Batch, result: BatchResult) -> Failure | None:
        """Fetch the images and give them out; returns when the consumer is done with them, or with why they are lost."""
        work = batch.work
        work.seconds_a_view = result.seconds / len(batch.views)
        work.untaken += 1
        try:
            async with batch.outcomes.room:
                try:
                    views = await self._renderers.fetch(result)
                except PayloadLostError as error:
                    return Failure("renderer_lost", "a renderer was lost with its images", cause=str(error))
                work.progress.finish(batch.views, batch.fence)
                await batch.outcomes.put(RenderedBatch(result, views))
        finally:
            work.untaken -= 1
        return None

    async def _fail(self, batch: _Batch, result: BatchResult, failure: Failure, *, fault: bool) -> None:
        decision = batch.work.retries.decide(batch.views, failure, fault=fault)
        batch.outcomes.put(FailedBatch(result, batch.views, failure, tried_again=decision.error is None))
        if decision.error is not None:
            self._give_up_work(batch, decision.error)
            return
        await asyncio.sleep(decision.pause_sec)
        batch.give_up()

    @staticmethod
    def _give_up_work(batch: _Batch, error: Exception) -> None:
        batch.work.given_up = True
        batch.work.too_slow = isinstance(error, ServiceError) and error.code == "view_too_slow"
        batch.outcomes.put(error)
