from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType

import pytest

from serve_app.base.errors import ServiceError
from serve_app.jobs.job import Job, JobSpec
from serve_app.jobs.progress import JobProgress
from serve_app.service.admission import check_output, check_queue
from serve_app.service.live_jobs import LiveJobs
from tests.unit.serve_app.made import accepted_job, make_spec, running_job


def live_of(*jobs: Job) -> LiveJobs:
    live = LiveJobs()
    for job in jobs:
        live.add(job)
    return live


def test_a_full_queue_says_when_to_come_back() -> None:
    check_queue(3, 4, 5.0)
    with pytest.raises(ServiceError) as caught:
        check_queue(3, 3, 7.4)
    assert (caught.value.code, caught.value.retry_after_sec) == ("queue_full", 7) and "RENDER_MAX_QUEUED_JOBS" in caught.value.detail


@pytest.mark.parametrize(
    ("other", "busy"),
    [
        (make_spec("/out/a"), False),
        (make_spec("/out/a", priority="batch"), False),
        (make_spec("/out/b", samples=3), False),
        (make_spec("/out/a", samples=3), True),
        (make_spec("/out/a", cad="/in/b.ply"), True),
        (make_spec("/out/a/templates", templates_subfolder=False), True),
        (make_spec("/out", templates_subfolder=False), True),
        (make_spec("/out/a/templates/deeper"), True),
        (make_spec("/out/a/deeper"), False),
    ],
)
async def test_one_folder_takes_one_rendering_at_a_time(other: JobSpec, busy: bool) -> None:
    if not busy:
        check_output(other, live_of(accepted_job("/out/a")))
        return
    with pytest.raises(ServiceError) as caught:
        check_output(other, live_of(accepted_job("/out/a")))
    assert (caught.value.code, caught.value.field) == ("output_busy", "output_dir")


END = ServiceError("render_failed", "no")


@pytest.mark.parametrize("end", [JobProgress.fail, JobProgress.cancel, JobProgress.time_out])
async def test_a_job_that_has_ended_is_in_nobodys_way(end: Callable[[JobProgress, ServiceError], None]) -> None:
    """Its end may not be stored yet, but whoever waited for it has seen it."""
    ended, succeeded = running_job("/out/a", samples=3), running_job("/out/a", samples=3)
    live = live_of(ended)
    with pytest.raises(ServiceError):
        check_output(make_spec("/out/a"), live)
    end(ended.progress, END)
    check_output(make_spec("/out/a"), live)
    live.add(succeeded)
    succeeded.progress.publish()
    with pytest.raises(ServiceError):
        check_output(make_spec("/out/a"), live)
    succeeded.progress.succeed()
    check_output(make_spec("/out/a"), live)


def _calls(work: Callable[[], None]) -> int:
    """Python and C functions that some work calls."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    gc.disable()  # What a collection ends in the middle calls functions, too.
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return calls


@pytest.mark.parametrize("folder", ["/out/of/many/folders/{}", "/out/of/one"])
async def test_a_full_queue_makes_the_check_of_an_output_no_longer(folder: str) -> None:
    spec = make_spec(folder.format("new"))
    few, many = (live_of(*(accepted_job(folder.format(number)) for number in range(count))) for count in (10, 2000))
    for live in (few, many):  # What is computed once for a spec is.
        check_output(spec, live)
    assert _calls(lambda: check_output(spec, many)) == _calls(lambda: check_output(spec, few))
