"""The states of the views of one job, and the only moves between them."""

from __future__ import annotations

from typing import Literal

from serve_app.jobs.states import ImpossibleMoveError

ViewState = Literal["pending", "rendering", "done"]

_VIEW_MOVES: dict[ViewState, frozenset[ViewState]] = {
    "pending": frozenset({"rendering", "done"}),  # Done without rendering: an earlier server did it.
    "rendering": frozenset({"done", "pending"}),  # Pending again when its renderer was lost.
    "done": frozenset(),
}


class ViewProgress:
    """States and attempts of the views of one job.

    Each attempt at a view has a fence, a number that no other attempt has: what comes back under another fence than the
    view's latest is of an attempt that was given up.

    Args:
        count: number of views.
    """

    def __init__(self, count: int) -> None:
        self._states: list[ViewState] = ["pending"] * count
        self._fences: list[int | None] = [None] * count
        self._attempts = [0] * count

    def _move(self, view: int, new: ViewState) -> None:
        old = self._states[view]
        if new not in _VIEW_MOVES[old]:
            raise ImpossibleMoveError(f"view {view} cannot go from {old} to {new}")
        self._states[view] = new

    def start(self, views: tuple[int, ...], fence: int) -> None:
        """Begin an attempt at some views."""
        for view in views:
            self._move(view, "rendering")
            self._fences[view] = fence
            self._attempts[view] += 1

    def give_up(self, views: tuple[int, ...]) -> None:
        """End an attempt that brought nothing; from now on its answer is late."""
        for view in views:
            self._move(view, "pending")
            self._fences[view] = None

    def finish(self, views: tuple[int, ...]) -> None:
        """Views are rendered and written."""
        for view in views:
            self._move(view, "done")

    def is_current(self, views: tuple[int, ...], fence: int) -> bool:
        """Whether an answer under this fence is of the latest attempt at each of the views, and still awaited."""
        return all(self._states[view] == "rendering" and self._fences[view] == fence for view in views)

    def pending(self) -> list[int]:
        """Views that wait for a renderer, in order."""
        return [view for view, state in enumerate(self._states) if state == "pending"]

    def attempts(self, view: int) -> int:
        """How often a view was begun."""
        return self._attempts[view]

    @property
    def complete(self) -> bool:
        """Whether every view is done."""
        return all(state == "done" for state in self._states)
