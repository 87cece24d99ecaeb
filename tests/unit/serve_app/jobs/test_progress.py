"""The phases of a job: every move, and what each leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import get_args

import pytest

from serve_app.base.errors import ServiceError
from serve_app.jobs.progress import JobProgress
from serve_app.jobs.states import FINAL_STATES, JOB_STATES, OPEN_STATES, ImpossibleMoveError, JobPhase, state_of

JOB_PHASES: tuple[JobPhase, ...] = get_args(JobPhase)
ERROR = ServiceError("render_failed", "no")

MOVES: dict[JobPhase, Callable[[JobProgress], None]] = {
    "queued": JobProgress.accept,
    "refused": JobProgress.refuse,
    "running": JobProgress.start,
    "published": JobProgress.publish,
    "succeeded": JobProgress.succeed,
    "put_back": JobProgress.put_back,
    "failed": lambda progress: progress.fail(ERROR),
    "timeout": lambda progress: progress.time_out(ERROR),
    "canceled": lambda progress: progress.cancel(ERROR),
}
WAYS: dict[JobPhase, tuple[JobPhase, ...]] = {
    "arriving": (),
    "refused": ("refused",),
    "queued": ("queued",),
    "running": ("queued", "running"),
    "published": ("queued", "running", "published"),
    "succeeded": ("queued", "running", "published", "succeeded"),
    "put_back": ("queued", "running", "put_back"),
    "failed": ("queued", "failed"),
    "timeout": ("queued", "timeout"),
    "canceled": ("queued", "running", "canceled"),
}
ALLOWED = {
    ("arriving", "queued"),
    ("arriving", "refused"),
    *(("queued", end) for end in ("running", "failed", "canceled", "timeout", "put_back")),
    *(("running", end) for end in ("published", "failed", "canceled", "timeout", "put_back")),
    ("published", "succeeded"),
}


def at(phase: JobPhase, **options: float) -> JobProgress:
    progress = JobProgress("j", **options)
    for step in WAYS[phase]:
        MOVES[step](progress)
    assert progress.phase == phase
    return progress


@pytest.mark.parametrize("new", MOVES)
@pytest.mark.parametrize("old", JOB_PHASES)
async def test_the_listed_moves_are_possible_and_no_other(old: JobPhase, new: JobPhase) -> None:
    progress = at(old)
    if (old, new) in ALLOWED:
        MOVES[new](progress)
        assert progress.phase == new and progress.status == state_of(new)
    else:
        with pytest.raises(ImpossibleMoveError, match=f"job j cannot go from {old} to {new}"):
            MOVES[new](progress)
        assert progress.phase == old


def test_every_state_is_final_or_open() -> None:
    assert set(FINAL_STATES) | set(OPEN_STATES) == set(JOB_STATES) and not set(FINAL_STATES) & set(OPEN_STATES)
    assert set(FINAL_STATES) == {"succeeded", "failed", "canceled", "timeout"}


@pytest.mark.parametrize("phase", JOB_PHASES)
async def test_a_job_has_an_end_exactly_when_its_state_is_final(phase: JobPhase) -> None:
    progress = at(phase)
    assert progress.ended == (progress.status in FINAL_STATES) == (progress.ended_at is not None)
    assert progress.published == (phase in ("published", "succeeded"))


async def test_a_job_that_never_ran_has_no_elapsed_time() -> None:
    progress = at("failed")
    assert progress.started_at is None and progress.elapsed_sec is None and progress.error is ERROR


async def test_the_time_that_it_ran_under_earlier_servers_counts() -> None:
    progress = JobProgress("j", started_at=1000.0, ran_before_sec=100.0)
    assert progress.elapsed_sec == 100.0
    progress.accept()
    progress.start()
    assert progress.started_at == 1000.0 and 100.0 <= (progress.elapsed_sec or 0) < 101
    progress.put_back()
    frozen = progress.elapsed_sec
    await asyncio.sleep(0)
    assert progress.ended_at is None and progress.elapsed_sec == frozen is not None


async def test_only_the_first_reason_to_stop_counts() -> None:
    progress = at("running")
    progress.request_stop("cancel")
    progress.request_stop("put_back")
    assert progress.stop_reason == "cancel"


async def test_an_end_is_stored_when_the_store_has_that_very_state() -> None:
    progress = at("running")
    progress.is_stored("running")
    assert not progress.end_is_stored
    progress.cancel(ERROR)
    assert not progress.end_is_stored
    progress.is_stored("canceled")
    assert progress.end_is_stored


@pytest.mark.parametrize(("phase", "is_job"), [("queued", True), ("refused", False)])
async def test_whoever_waits_for_the_decision_hears_it(phase: JobPhase, is_job: bool) -> None:
    progress = JobProgress("j")
    waiting = asyncio.create_task(progress.wait_decided())
    await asyncio.sleep(0)
    assert not waiting.done()
    MOVES[phase](progress)
    assert await asyncio.wait_for(waiting, 5) is is_job


async def test_whoever_waits_for_the_end_is_answered_on_release() -> None:
    progress = at("succeeded")
    waiting = asyncio.create_task(progress.wait_released())
    await asyncio.sleep(0)
    assert not waiting.done()
    progress.release()
    await asyncio.wait_for(waiting, 5)
