"""What happened to a work's batches, on its way from the scheduler to the consumer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from render_actor.contract.types import BatchResult, Failure
from render_actor.contract.view_files import PackedView, RenderedView
from serve_app.rendering.view_work import MAX_UNTAKEN_BATCHES


@dataclass(frozen=True)
class ArrivedView:
    """A view that is rendered.

    Attributes:
        view: what the renderer said of it.
        fence: of the attempt that brought it.
        packed: its files; None where they lie in the sink.
    """

    view: RenderedView
    fence: int
    packed: PackedView | None


@dataclass(frozen=True)
class EndedBatch:
    """A batch whose views have all arrived.

    Attributes:
        result: what the renderer said of it and of itself.
    """

    result: BatchResult


@dataclass(frozen=True)
class FailedBatch:
    """A batch that failed.

    Attributes:
        result: what the renderer said; ``renderer`` is ``?`` when it could not be reached.
        views: indices of those that have not arrived.
        failure: why.
        tried_again: whether they go to a renderer again; otherwise the work fails.
    """

    result: BatchResult
    views: tuple[int, ...]
    failure: Failure
    tried_again: bool


Outcome = ArrivedView | EndedBatch | FailedBatch


class Outcomes:
    """The outcomes of one work that its consumer has not taken yet.

    Attributes:
        room: taken for as long as the files of a view are in memory.
    """

    def __init__(self) -> None:
        self.room = asyncio.Semaphore(MAX_UNTAKEN_BATCHES)
        self._waiting: asyncio.Queue[tuple[Outcome | Exception, asyncio.Future[None]]] = asyncio.Queue()
        self._in_hand: asyncio.Future[None] | None = None
        self._closed = False

    def put(self, outcome: Outcome | Exception) -> asyncio.Future[None]:
        """Add an outcome, or the error that ends the work.

        Returns:
            A future that is done when the consumer is done with the outcome.
        """
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._closed:
            settled.set_result(None)
            return settled
        self._waiting.put_nowait((outcome, settled))
        return settled

    @property
    def empty(self) -> bool:
        """Whether nothing waits for the consumer."""
        return self._waiting.empty()

    async def next(self) -> Outcome:
        """The next outcome, when there is one; the consumer is done with the one before.

        Raises:
            Exception: what ends the work.
        """
        self.settle()
        outcome, self._in_hand = await self._waiting.get()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def settle(self) -> None:
        """The consumer is done with the outcome that it took last."""
        if self._in_hand is not None and not self._in_hand.done():
            self._in_hand.set_result(None)

    def close(self) -> None:
        """The consumer takes nothing more; nobody waits for it."""
        self._closed = True
        self.settle()
        while not self._waiting.empty():
            _, settled = self._waiting.get_nowait()
            if not settled.done():
                settled.set_result(None)
