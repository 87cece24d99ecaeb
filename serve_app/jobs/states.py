"""The states of a job, and the only moves between them.

Two views of one fact: the *phase* is where a live job stands in this server, the *state* is what the store keeps and clients see. Only
``JobProgress`` changes a phase, and each change is looked up here; a move that is not listed is an error in the program.
"""

from __future__ import annotations

from typing import Literal, get_args

JobState = Literal["queued", "running", "succeeded", "failed", "canceled", "timeout"]
"""``timeout`` is a job that reached one of its time limits, in the queue or while it ran."""

JobPhase = Literal["arriving", "refused", "queued", "running", "published", "put_back", "succeeded", "failed", "canceled", "timeout"]
"""``arriving``: not in the store yet. ``refused``: it never was a job. ``published``: its folder is in place, so no stop comes in time any
more. ``put_back``: this server stops, and leaves the job to the next one."""

_MOVES: dict[JobPhase, frozenset[JobPhase]] = {
    "arriving": frozenset({"queued", "refused"}),
    "refused": frozenset(),
    "queued": frozenset({"running", "failed", "canceled", "timeout", "put_back"}),
    "running": frozenset({"published", "failed", "canceled", "timeout", "put_back"}),
    "published": frozenset({"succeeded"}),
    "put_back": frozenset(),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "canceled": frozenset(),
    "timeout": frozenset(),
}

_STATE_OF: dict[JobPhase, JobState] = {
    "arriving": "queued",
    "refused": "queued",
    "queued": "queued",
    "running": "running",
    "published": "running",
    "put_back": "queued",  # From where the next server goes on, with the views that are done.
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "canceled",
    "timeout": "timeout",
}

JOB_STATES: tuple[JobState, ...] = get_args(JobState)
FINAL_STATES: tuple[JobState, ...] = tuple(state for state in JOB_STATES if not _MOVES[state])
OPEN_STATES: tuple[JobState, ...] = tuple(state for state in JOB_STATES if _MOVES[state])


class ImpossibleMoveError(RuntimeError):
    """The program tried a move that the state machine does not have."""


def checked_move(job_id: str, old: JobPhase, new: JobPhase) -> JobPhase:
    """The new phase of a job.

    Args:
        job_id: for the message.
        old: where the job stands.
        new: where it is to stand.

    Raises:
        ImpossibleMoveError: there is no such move.
    """
    if new not in _MOVES[old]:
        raise ImpossibleMoveError(f"job {job_id} cannot go from {old} to {new}")
    return new


def state_of(phase: JobPhase) -> JobState:
    """What the store and clients see of a phase."""
    return _STATE_OF[phase]
