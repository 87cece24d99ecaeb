"""What happened to a work's batches, on its way from the scheduler to the consumer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from render_actor.contract.types import BatchResult, EncodedView, Failure
from serve_app.rendering.view_work import MAX_UNTAKEN_BATCHES


@dataclass(frozen=True)
class RenderedBatch:
    """Views that are rendered.

    Attributes:
        result: what the renderer said of them and of itself.
        views: their files.
    """

    result: BatchResult
    views: list[EncodedView]


@dataclass(frozen=True)
class FailedBatch:
    """Views whose batch failed.

    Attributes:
        result: what the renderer said; ``renderer`` is ``?`` when it could not be reached.
        views: indices of the views.
        failure: why.
        tried_again: whether they go to a renderer again; otherwise the work fails.
    """

    result: BatchResult
    views: tuple[int, ...]
    failure: Failure
    tried_again: bool


Outcome = RenderedBatch | FailedBatch


class Outcomes:
    """The outcomes of one work that its consumer has not taken yet.

    Attributes:
        room: taken for as long as the images of a batch are in memory.
    """

    def __init__(self) -> None:
        self.room = asyncio.Semaphore(MAX_UNTAKEN_BATCHES)
        self._waiting: asyncio.Queue[tuple[Outcome | Exception, asyncio.Future[None]]] = asyncio.Queue()
        self._in_hand: asyncio.Future[None] | None = None

    def put(self, outcome: Outcome | Exception) -> asyncio.Future[None]:
        """Add an outcome, or the error that ends the work.

        Returns:
            A future that is done when the consumer is done with the outcome.
        """
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
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
