from __future__ import annotations

from render_actor.view.too_slow import ViewTooSlowError, too_slow_failure


def test_a_client_is_told_the_view_its_limit_and_what_to_do_and_the_log_the_rest() -> None:
    failure = too_slow_failure(7, 12.345, ViewTooSlowError("it would take 240 s"))
    assert (failure.code, failure.field, failure.cause) == ("view_too_slow", "cad_path", "it would take 240 s")
    assert "view 7" in failure.message and "12.3 s" in failure.message and "lower resolution or samples" in failure.message
    assert not failure.worth_retrying
