"""The states of jobs and of views, and the only moves between them.

Every change of a state goes through ``checked_job_move`` or ``ViewProgress``; a move that is not listed here is an error in the
program, never a warning.
"""

from __future__ import annotations

from typing import Literal, get_args

JobState = Literal["queued", "running", "succeeded", "failed", "canceled", "timeout"]
"""``timeout`` is a job that ran into one of its clocks, in the queue or while it ran."""

ViewState = Literal["pending", "rendering", "done"]

JOB_STATES: tuple[JobState, ...] = get_args(JobState)

_JOB_MOVES: dict[JobState, frozenset[JobState]] = {
    "queued": frozenset({"running", "failed", "canceled", "timeout"}),
    # Back to the queue when the server stops under it: the next one goes on from the views that are done.
    "running": frozenset({"succeeded", "failed", "canceled", "timeout", "queued"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "canceled": frozenset(),
    "timeout": frozenset(),
}

_VIEW_MOVES: dict[ViewState, frozenset[ViewState]] = {
    "pending": frozenset({"rendering", "done"}),  # Done without rendering: an earlier server did it.
    "rendering": frozenset({"done", "pending"}),  # Pending again when its renderer was lost.
    "done": frozenset(),
}

FINAL_STATES: tuple[JobState, ...] = tuple(state for state, moves in _JOB_MOVES.items() if not moves)
TRANSITIONAL_STATES: tuple[JobState, ...] = tuple(state for state, moves in _JOB_MOVES.items() if moves)


class ImpossibleMoveError(RuntimeError):
    """The program tried a move that the state machine does not have."""


def checked_job_move(job_id: str, old: JobState, new: JobState) -> JobState:
    """The new state of a job; ``ImpossibleMoveError`` when it cannot be reached from the old one."""
    if new not in _JOB_MOVES[old]:
        raise ImpossibleMoveError(f"job {job_id} cannot go from {old} to {new}")
    return new


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
