"""Shares the renderers between jobs, a few views at a time, and gives out what happened to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from render_actor.contract.fence import first_fence
from render_actor.contract.types import BatchResult, Failure
from render_actor.contract.view_files import PackedView, RenderedView
from serve_app.base.aio import spawn
from serve_app.base.errors import ServiceError
from serve_app.rendering.batch_out import BatchOut
from serve_app.rendering.fair_queue import FIRST_VIEW_SECONDS, FairQueue
from serve_app.rendering.outcomes import ArrivedView, EndedBatch, FailedBatch, Outcome, Outcomes
from serve_app.rendering.parcel import PayloadLostError
from serve_app.rendering.renderers import BatchRenderers
from serve_app.rendering.view_work import ViewWork


class ViewScheduler:
    """Keeps a fixed number of view batches in flight.

    Args:
        renderers: where batches go; cancelling ``render`` makes a renderer drop the batch, by force if need be.
        in_flight: how many batches are out at once; a few more than there can be renderers, so that the autoscaler
            sees a queue and no renderer waits, and no more, so that a new job is not stuck behind an old one.
        queued: how many of them are more than there can be renderers.
        epoch: of this server; the fences of a later server are higher.
        grace_sec: how long a batch that nobody wants any more may go on rendering before it is cancelled.
        renderer_ready: whether there is a renderer that is ready, as far as is known.
        more_to_come: see ``FairQueue``.

    Attributes:
        renderer_ready: as given.
    """

    def __init__(
        self,
        renderers: BatchRenderers,
        in_flight: int,
        *,
        queued: int = 0,
        epoch: int = 0,
        grace_sec: float = 5.0,
        renderer_ready: Callable[[], bool] = lambda: True,
        more_to_come: Callable[[], bool] = lambda: False,
    ) -> None:
        self.renderer_ready = renderer_ready
        self._renderers, self._in_flight, self._grace = renderers, in_flight, grace_sec
        self._queue = FairQueue(in_flight, queued, more_to_come=more_to_come)
        self._outcomes: dict[ViewWork, Outcomes] = {}
        self._fence = first_fence(epoch)
        self._rendering = 0
        self._paused = False
        self._batches: set[BatchOut] = set()

    async def views(self, work: ViewWork) -> AsyncGenerator[list[Outcome], None]:
        """Render all views of a work.

        A work is rendered once. Use this with ``contextlib.aclosing``: closing it gives the work up. Batches that still render then
        get the grace time, their answers are dropped, and nothing is given out any more. The consumer is done with outcomes when it
        asks for the next ones; one that is slow gets several at a time, and no more renderers than it can follow.

        Yields:
            Each view as soon as its files are there, and the end of each batch, also of one that failed, whether or not it is tried again.

        Raises:
            ServiceError: a view failed, or lost too many renderers. Nothing comes after it.
        """
        outcomes = self._outcomes[work] = Outcomes()
        self._queue.add(work)
        self._hand_out()
        try:
            while work.out or not (work.progress.complete and outcomes.empty):
                yield await outcomes.next()
        finally:
            outcomes.close()
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
            batch = BatchOut(turn, turn.work.progress.start(turn.count, self._fence), self._fence, self._outcomes[turn.work])
            self._batches.add(batch)
            if batch.work.seconds_a_view is None:  # More of it may be due, though nothing happens.
                asyncio.get_running_loop().call_later(FIRST_VIEW_SECONDS, self._hand_out)
            batch.work.out += 1
            # Of no request: Serve cancels the tasks of a request whose client hangs up.
            batch.task = spawn(self._carry(batch))
            batch.task.add_done_callback(lambda _, batch=batch: self._batches.discard(batch))  # type: ignore[misc]

    async def _carry(self, batch: BatchOut) -> None:
        """Take a batch to a renderer, its views to the consumer as they come, and at the end how it ended."""
        delivering = spawn(self._deliver(batch))
        try:
            result, failure, fault = await self._rendered(batch)
            batch.told.put_nowait(None)
            if failure is not None and not failure.worth_retrying and batch.left and batch.wanted:
                batch.work.given_up = True  # Before another renderer is spent on it.
            self._hand_out()
            if not batch.wanted:
                return
            if failure is None:
                batch.work.seconds_a_view = result.seconds / len(batch.views)
            lost = await delivering
            if failure is None and batch.left:
                failure, fault = lost or Failure("renderer_lost", "a renderer was lost: it did not tell of all its views"), True
            if failure is not None and batch.left:
                await self._fail(batch, result, failure, fault=fault)
            else:
                batch.outcomes.put(EndedBatch(result))
        except asyncio.CancelledError:
            batch.give_up()
            batch.outcomes.put(EndedBatch(BatchResult("?")))  # The consumer may wait for nothing else.
        except Exception as error:  # A fault of the program; its job must not wait for ever.
            self._give_up_work(batch, error)
        finally:
            delivering.cancel()
            batch.forget_untaken()
            batch.work.out -= 1
            self._hand_out()

    async def _rendered(self, batch: BatchOut) -> tuple[BatchResult, Failure | None, bool]:
        """Have a batch rendered; returns also why it failed, and whether no view can be to blame for that."""
        seconds = None
        try:
            result = await self._renderers.render(batch.work.batch(batch.views, batch.fence, self._rendering), batch.tell)
            seconds = result.mesh_seconds + result.seconds if result.seconds else None
            return result, result.failure, False
        except Exception as error:  # Serve and Ray raise many types when a replica goes; each means the same here.
            cause = f"{type(error).__name__}: {error}"
            return BatchResult("?"), Failure("renderer_lost", "a renderer was lost: it could not be reached", cause=cause), True
        finally:
            batch.rendering = False
            self._rendering -= 1
            self._queue.ended(batch.turn, seconds)

    async def _deliver(self, batch: BatchOut) -> Failure | None:
        """Give the views out as they come; returns when the consumer is done with them, and why files are lost where some are."""
        lost, given = None, list[asyncio.Future[None]]()
        while (view := await batch.told.get()) is not None:
            try:
                settled = await self._given_out(batch, view)
            except PayloadLostError as error:
                settled, lost = None, Failure("renderer_lost", "a renderer was lost with its images", cause=str(error))
            if settled is None:
                self._taken(batch)
            else:
                settled.add_done_callback(lambda _: self._taken(batch))
                given.append(settled)
        if given:
            await asyncio.wait(given)
        return lost

    def _taken(self, batch: BatchOut) -> None:
        if batch.taken():
            self._hand_out()

    async def _given_out(self, batch: BatchOut, view: RenderedView) -> asyncio.Future[None] | None:
        """Give a view out; returns a future that is done when the consumer is, or None where nobody awaits the view."""
        if not batch.awaits(view.view):
            return None
        if view.in_sink:
            return self._arrived(batch, view, None)
        room = batch.outcomes.room
        await room.acquire()
        settled = None
        try:
            packed = await self._renderers.fetch(view)
            if batch.awaits(view.view):  # Its work may have ended meanwhile.
                settled = self._arrived(batch, view, packed)
        finally:
            if settled is None:
                room.release()
            else:
                settled.add_done_callback(lambda _: room.release())
        return settled

    @staticmethod
    def _arrived(batch: BatchOut, view: RenderedView, packed: PackedView | None) -> asyncio.Future[None]:
        batch.arrive(view.view)
        return batch.outcomes.put(ArrivedView(view, batch.fence, packed))

    async def _fail(self, batch: BatchOut, result: BatchResult, failure: Failure, *, fault: bool) -> None:
        decision = batch.work.retries.decide(batch.left, failure, fault=fault)
        batch.outcomes.put(FailedBatch(result, batch.left, failure, tried_again=decision.error is None))
        if decision.error is not None:
            self._give_up_work(batch, decision.error)
            return
        await asyncio.sleep(decision.pause_sec)
        batch.give_up()

    @staticmethod
    def _give_up_work(batch: BatchOut, error: Exception) -> None:
        batch.work.given_up = True
        batch.work.too_slow = isinstance(error, ServiceError) and error.code == "view_too_slow"
        batch.outcomes.put(error)
