"""The state of each view of one work: pending, rendering under a fence, or done.

pending -> rendering (``start``), rendering -> done (``finish``), rendering -> pending (``give_up``); nothing else. Any other move is a
fault of the program and an ``ImpossibleMoveError``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from serve_app.jobs.states import ImpossibleMoveError


class ViewProgress:
    """The only owner of the states of a work's views.

    Each attempt at a view has a fence, a number that no other attempt has. An answer under another fence than the view's own is the
    answer of an attempt that was given up: it is late.

    Args:
        count: number of views.
        done: views that are done already.
    """

    def __init__(self, count: int, done: Iterable[int] = ()) -> None:
        done = frozenset(done)
        self._pending = deque(view for view in range(count) if view not in done)
        self._fences: dict[int, int] = {}

    @property
    def pending(self) -> int:
        """How many views wait for a renderer."""
        return len(self._pending)

    @property
    def rendering(self) -> int:
        """How many views are at a renderer."""
        return len(self._fences)

    @property
    def next_pending(self) -> int | None:
        """The view that goes to a renderer next, or None when none is pending."""
        return self._pending[0] if self._pending else None

    @property
    def complete(self) -> bool:
        """Whether every view is done."""
        return not self._pending and not self._fences

    def start(self, count: int, fence: int) -> tuple[int, ...]:
        """Begin an attempt at the next ``count`` pending views.

        Args:
            count: at least 1, and no more than are pending.
            fence: of this attempt.

        Returns:
            The views; they are rendering now.
        """
        if not 1 <= count <= len(self._pending):
            raise ImpossibleMoveError(f"{count} views cannot be started: {len(self._pending)} are pending")
        views = tuple(self._pending.popleft() for _ in range(count))
        self._fences.update(dict.fromkeys(views, fence))
        return views

    def is_current(self, views: tuple[int, ...], fence: int) -> bool:
        """Whether these views are rendering under this fence; False for an answer that comes late."""
        return all(self._fences.get(view) == fence for view in views)

    def finish(self, views: tuple[int, ...], fence: int) -> None:
        """Views that are rendering under this fence are done."""
        self._end(views, fence)

    def give_up(self, views: tuple[int, ...], fence: int) -> None:
        """Views that are rendering under this fence are pending again, before all others; an answer is late from now on."""
        self._end(views, fence)
        self._pending.extendleft(reversed(views))

    def _end(self, views: tuple[int, ...], fence: int) -> None:
        if not self.is_current(views, fence):
            raise ImpossibleMoveError(f"views {views} are not rendering under fence {fence}")
        for view in views:
            del self._fences[view]
