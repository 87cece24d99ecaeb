from __future__ import annotations

import itertools
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from render_actor.worker.states import BLENDER_MOVES, SPARE_MOVES, BlenderState, SpareState, StateMachine


@pytest.mark.parametrize(("states", "moves"), [(BlenderState, BLENDER_MOVES), (SpareState, SPARE_MOVES)])
def test_only_the_moves_of_the_table_are_made(states: type[StrEnum], moves: Mapping[Any, frozenset[Any]]) -> None:
    assert set(moves) == set(states)
    for start, end in itertools.product(states, states):
        told = list[Any]()
        machine = StateMachine(start, moves, lambda: told.append(machine.state))  # noqa: B023
        if end in moves[start]:
            machine.move(end)
            assert machine.state is end and told == [end]
        else:
            with pytest.raises(ValueError, match=f"from {start} to {end}"):
                machine.move(end)
            assert machine.state is start and not told


@pytest.mark.parametrize(
    ("first", "moves"), [(BlenderState.STARTING, BLENDER_MOVES), (SpareState.NONE, SPARE_MOVES)], ids=["blender", "spare"]
)
def test_every_state_is_reached_and_none_is_the_last(first: StrEnum, moves: Mapping[Any, frozenset[Any]]) -> None:
    reached, new = {first}, {first}
    while new:
        new = {end for start in new for end in moves[start]} - reached
        reached |= new
    assert reached == set(moves) and all(moves.values())
