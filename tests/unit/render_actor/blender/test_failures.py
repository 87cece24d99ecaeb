from __future__ import annotations

import pytest

from render_actor.blender.failures import render_failure, start_failure


def test_failures_keep_the_words_users_know() -> None:
    assert render_failure(MemoryError()).message.startswith("Out of memory during rendering")
    assert render_failure(RuntimeError("System is out of memory")).code == "out_of_memory"
    assert render_failure(RuntimeError("something else")).code == "render_failed"


@pytest.mark.parametrize("error", [MemoryError("at /srv/a b/c.py"), RuntimeError("/srv/x.blend: line 3\n/srv/y"), ValueError()])
def test_a_failure_names_nothing_of_the_machine_but_in_the_log(error: Exception) -> None:
    for failure in (render_failure(error), start_failure(error, "printed")):
        assert "/" not in failure.message and type(error).__name__ in failure.cause and str(error) in failure.cause


def test_a_failed_start_says_what_to_install_and_logs_the_end_of_what_blender_printed() -> None:
    failure = start_failure(ImportError("libSM.so.6: cannot open shared object file"), "early" + "x" * 3000 + "late")
    assert failure.code == "renderer_start_failed" and "libSM.so.6" in failure.message and "system libraries" in failure.message
    assert failure.cause.endswith("late") and "early" not in failure.cause
