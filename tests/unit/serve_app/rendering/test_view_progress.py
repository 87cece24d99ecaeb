from __future__ import annotations

import pytest

from serve_app.jobs.states import ImpossibleMoveError
from serve_app.rendering.view_progress import ViewProgress


def test_an_answer_of_an_attempt_that_was_given_up_is_late() -> None:
    views = ViewProgress(3)
    views.start((0, 1), fence=7)
    assert views.is_current((0, 1), 7) and not views.is_current((0, 1), 6)
    views.give_up((0, 1))
    assert not views.is_current((0, 1), 7) and views.pending() == [0, 1, 2]
    views.start((0,), fence=8)
    assert not views.is_current((0,), 7)
    views.finish((0,))
    assert not views.is_current((0,), 8) and views.attempts(0) == 2
    with pytest.raises(ImpossibleMoveError):
        views.start((0,), fence=9)
    with pytest.raises(ImpossibleMoveError):
        views.finish((0,))
