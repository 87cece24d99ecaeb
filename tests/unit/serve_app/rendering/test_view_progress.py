from __future__ import annotations

import pytest

from serve_app.jobs.states import ImpossibleMoveError
from serve_app.rendering.view_progress import ViewProgress


def test_an_answer_of_an_attempt_that_was_given_up_is_late() -> None:
    views = ViewProgress(3)
    assert views.start(2, fence=7) == (0, 1)
    assert views.is_current((0, 1), 7) and not views.is_current((0, 1), 6)
    views.give_up((0, 1), 7)
    assert not views.is_current((0, 1), 7) and views.pending == 3
    assert views.start(1, fence=8) == (0,)
    assert not views.is_current((0,), 7) and views.is_current((0,), 8)
    views.finish((0,), 8)
    assert not views.is_current((0,), 8)


def test_views_that_were_given_up_go_before_the_others() -> None:
    views = ViewProgress(4)
    views.give_up(views.start(2, fence=1), 1)
    assert views.next_pending == 0 and views.start(3, fence=2) == (0, 1, 2)


def test_all_are_done_when_the_last_one_is() -> None:
    views = ViewProgress(4, done=(0, 2))
    assert views.pending == 2 and not views.complete
    assert views.start(2, fence=1) == (1, 3)
    assert views.pending == 0 and views.next_pending is None and not views.complete
    views.finish((1, 3), 1)
    assert views.complete


def test_a_move_that_is_none_is_a_fault_of_the_program() -> None:
    views = ViewProgress(3)
    started = views.start(2, fence=5)
    for move in (views.finish, views.give_up):
        with pytest.raises(ImpossibleMoveError):
            move((0,), 4)  # Another fence.
        with pytest.raises(ImpossibleMoveError):
            move((2,), 5)  # Pending.
    for count in (0, 2):
        with pytest.raises(ImpossibleMoveError):
            views.start(count, fence=6)
    views.finish(started, 5)
    for move in (views.finish, views.give_up):
        with pytest.raises(ImpossibleMoveError):
            move(started, 5)  # Done.
