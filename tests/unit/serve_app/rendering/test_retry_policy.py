from __future__ import annotations

import pytest

from render_actor.contract.types import Failure, FailureCode
from serve_app.rendering.retry_policy import FAULT_PAUSE_SEC, MAX_FAULTS, MAX_LOST_RENDERERS, RetryPolicy

LOST = Failure("renderer_lost", "a renderer was lost")


def test_views_that_lost_a_renderer_go_again_at_once_and_one_by_one() -> None:
    policy = RetryPolicy()
    decision = policy.decide((3, 4), LOST)
    assert decision.error is None and decision.pause_sec == 0
    assert policy.goes_alone(3) and policy.goes_alone(4) and not policy.goes_alone(5)


def test_a_view_that_lost_too_many_renderers_fails_the_work() -> None:
    policy = RetryPolicy()
    for _ in range(MAX_LOST_RENDERERS - 1):
        assert policy.decide((1, 2), LOST).error is None
    assert not policy.ends_renderers
    assert policy.decide((3,), LOST).error is None  # Another view: each counts for itself.
    error = policy.decide((2,), LOST).error
    assert error is not None and (error.code, error.detail) == ("renderer_lost", "a renderer was lost")
    assert policy.ends_renderers


@pytest.mark.parametrize(
    ("failure", "fault"), [(LOST, True), (Failure("renderer_start_failed", "Blender does not start"), False)], ids=["gone", "start"]
)
def test_a_fault_that_no_view_can_cause_is_tried_more_often_together_and_after_a_pause(failure: Failure, fault: bool) -> None:
    policy = RetryPolicy()
    for _ in range(MAX_FAULTS - 1):
        decision = policy.decide((0, 1), failure, fault=fault)
        assert decision.error is None and decision.pause_sec == FAULT_PAUSE_SEC
    assert not policy.goes_alone(0)
    error = policy.decide((0, 1), failure, fault=fault).error
    assert error is not None and error.code == failure.code
    assert not policy.ends_renderers


def test_losses_and_faults_are_counted_apart() -> None:
    policy = RetryPolicy()
    for _ in range(MAX_FAULTS - 1):
        policy.decide((0,), LOST, fault=True)
    for _ in range(MAX_LOST_RENDERERS - 1):
        assert policy.decide((0,), LOST).error is None


@pytest.mark.parametrize("code", ["view_blank", "view_clipped", "camera_inside_object", "view_too_slow", "render_failed", "out_of_memory"])
def test_a_failure_of_the_request_is_not_tried_again(code: FailureCode) -> None:
    policy = RetryPolicy()
    error = policy.decide((0,), Failure(code, "words", "recenter")).error
    assert error is not None and (error.code, error.detail, error.field) == (code, "words", "recenter")
    assert not policy.ends_renderers and not policy.goes_alone(0)
