from __future__ import annotations

from serve_app.base import metrics
from serve_app.base.errors import CODES, ServiceError
from serve_app.jobs.states import FINAL_STATES, JOB_STATES


def test_each_end_of_a_job_is_counted_and_no_other_state() -> None:
    metrics.JOBS_ENDED.take()
    for state in JOB_STATES:
        metrics.count_end(state, None)
    assert metrics.JOBS_ENDED.take() == {(state,): 1 for state in FINAL_STATES}


def test_errors_are_those_of_jobs_that_failed() -> None:
    metrics.JOB_ERRORS.take()
    metrics.count_end("failed", ServiceError("view_blank", "nothing is seen"))
    metrics.count_end("timeout", ServiceError("job_timeout", "too long"))
    metrics.count_end("canceled", ServiceError("canceled", "by the client"))
    assert metrics.JOB_ERRORS.take() == {("view_blank",): 1, ("job_timeout",): 1}
    assert {"view_blank", "job_timeout"} <= CODES


def test_copies_are_counted_with_their_bytes() -> None:
    metrics.CACHE_LOOKUPS.take(), metrics.CACHE_COPIED_BYTES.take()
    metrics.count_copy("hit", [5, 6])
    metrics.count_copy("miss", ())
    assert metrics.CACHE_LOOKUPS.take() == {("hit",): 1, ("miss",): 1}
    assert metrics.CACHE_COPIED_BYTES.take() == {(): 11}
