"""The states of a renderer's Blender and of its spare, and the moves between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

State = TypeVar("State", bound=StrEnum)


class BlenderState(StrEnum):
    """Of the Blender that a renderer works with.

    Attributes:
        STARTING: it is started, and has not rendered its first view yet.
        READY: it waits for a batch.
        BUSY: it renders a batch.
        REPLACING: it is being killed; another is started when it is seen dead.
        SWAPPING: the spare has taken its place; the old one is being killed.
        FAILED: it could not be started; the next batch is told why and has another one started, and so has, later, who asks for the state.
    """

    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    REPLACING = "replacing"
    SWAPPING = "swapping"
    FAILED = "failed"


class SpareState(StrEnum):
    """Of the fresh Blender beside one that has worked long enough.

    Attributes:
        NONE: there is no spare.
        WARMING: it is started.
        WARM: it waits to take over, between two batches.
    """

    NONE = "none"
    WARMING = "warming"
    WARM = "warm"


BLENDER_MOVES: Mapping[BlenderState, frozenset[BlenderState]] = {
    BlenderState.STARTING: frozenset({BlenderState.READY, BlenderState.FAILED}),
    BlenderState.READY: frozenset({BlenderState.BUSY, BlenderState.REPLACING, BlenderState.SWAPPING}),
    BlenderState.BUSY: frozenset({BlenderState.READY, BlenderState.REPLACING}),
    BlenderState.REPLACING: frozenset({BlenderState.STARTING}),
    BlenderState.SWAPPING: frozenset({BlenderState.READY}),
    BlenderState.FAILED: frozenset({BlenderState.REPLACING}),
}

SPARE_MOVES: Mapping[SpareState, frozenset[SpareState]] = {
    SpareState.NONE: frozenset({SpareState.WARMING}),
    SpareState.WARMING: frozenset({SpareState.WARM, SpareState.NONE}),
    SpareState.WARM: frozenset({SpareState.NONE}),
}


class StateMachine(Generic[State]):
    """A state that changes only by allowed moves.

    Args:
        state: the first one.
        moves: the states that each state may change to.
        moved: is called after each change.

    Attributes:
        state: the current one.
    """

    def __init__(self, state: State, moves: Mapping[State, frozenset[State]], moved: Callable[[], None] = lambda: None) -> None:
        self.state, self._moves, self._moved = state, moves, moved

    def move(self, state: State) -> None:
        """Change the state.

        Raises:
            ValueError: the move is not allowed; the state stays.
        """
        if state not in self._moves[self.state]:
            raise ValueError(f"a move from {self.state} to {state} is not allowed")
        self.state = state
        self._moved()
