"""What happened to a work's batches, on its way from the scheduler to the consumer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
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
        self._waiting: deque[tuple[Outcome | Exception, asyncio.Future[None]]] = deque()
        self._some = asyncio.Event()
        self._in_hand: list[asyncio.Future[None]] = []
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
        self._waiting.append((outcome, settled))
        self._some.set()
        return settled

    @property
    def empty(self) -> bool:
        """Whether nothing waits for the consumer."""
        return not self._waiting

    async def next(self) -> list[Outcome]:
        """All outcomes that wait, or the next one; the consumer is done with those before.

        Raises:
            Exception: what ends the work, once it has come to it.
        """
        self.settle()
        while not self._waiting:
            self._some.clear()
            await self._some.wait()
        taken: list[Outcome] = []
        while self._waiting:
            outcome = self._waiting[0][0]
            if isinstance(outcome, Exception):
                if taken:
                    break
                raise outcome
            taken.append(outcome)
            self._in_hand.append(self._waiting.popleft()[1])
        return taken

    def settle(self) -> None:
        """The consumer is done with the outcomes that it took last."""
        _done(self._in_hand)
        self._in_hand = []

    def close(self) -> None:
        """The consumer takes nothing more; nobody waits for it."""
        self._closed = True
        self.settle()
        _done(settled for _, settled in self._waiting)
        self._waiting.clear()


def _done(futures: Iterable[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
