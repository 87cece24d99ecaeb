"""A batch from the moment that it is handed out until the consumer is done with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from render_actor.contract.view_files import RenderedView
from serve_app.rendering.fair_queue import BatchTurn
from serve_app.rendering.outcomes import Outcomes
from serve_app.rendering.view_work import ViewWork


@dataclass(eq=False)
class BatchOut:
    """Views that are out at a renderer, or on their way to the consumer.

    Attributes:
        turn: of the work, that it was handed out for.
        views: that it was handed out with.
        fence: of this attempt.
        outcomes: of the work.
        left: views that have not arrived.
        rendering: whether a renderer still has it.
        told: views that the renderer has made, in order; None after the last one.
        task: takes it from the renderer to the consumer.
    """

    turn: BatchTurn
    views: tuple[int, ...]
    fence: int
    outcomes: Outcomes
    left: tuple[int, ...] = field(init=False)
    rendering: bool = True
    told: asyncio.Queue[RenderedView | None] = field(init=False, default_factory=asyncio.Queue)
    task: asyncio.Task[None] = field(init=False)
    _untaken: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.left = self.views

    @property
    def work(self) -> ViewWork:
        """Whose views these are."""
        return self.turn.work

    @property
    def wanted(self) -> bool:
        """Whether what has not arrived is still awaited under its fence; otherwise its answer is late."""
        return self.work.progress.is_current(self.left, self.fence)

    def awaits(self, view: int) -> bool:
        """Whether a view has not arrived, and is awaited."""
        return view in self.left and self.wanted

    def give_up(self) -> None:
        """What has not arrived is pending again, unless it was given up before."""
        if self.wanted:
            self.work.progress.give_up(self.left, self.fence)

    def tell(self, view: RenderedView) -> None:
        """A renderer has made a view."""
        if not self._untaken:
            self.work.untaken += 1
        self._untaken += 1
        self.told.put_nowait(view)

    def arrive(self, view: int) -> None:
        """A view's files are there."""
        self.work.progress.finish((view,), self.fence)
        self.left = tuple(other for other in self.left if other != view)

    def taken(self) -> bool:
        """The consumer is done with a view that was told, or never gets it.

        Returns:
            Whether it was the last of those.
        """
        if not self._untaken:
            return False
        self._untaken -= 1
        if self._untaken:
            return False
        self.work.untaken -= 1
        return True

    def forget_untaken(self) -> None:
        """Nothing more of it goes to the consumer."""
        if self._untaken:
            self.work.untaken -= 1
            self._untaken = 0
