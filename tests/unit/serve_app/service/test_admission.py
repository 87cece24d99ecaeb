from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.jobs.job import Job
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.states import FINAL_STATES, JOB_STATES, TRANSITIONAL_STATES, ImpossibleMoveError, JobState, ViewProgress
from serve_app.jobs.store import JobStore
from serve_app.service.admission import check_output, check_queue
from serve_app.service.retention import tidy
from serve_app.service.slots import JobTurns


def job(output: str, cad: str = "/in/a.ply", **options: Any) -> Job:
    request = RenderRequest(cad_path=cad, output_dir=output, **options)
    return Job(request, Path(cad), Path(output), Path("log"))


def test_a_full_queue_says_when_to_come_back() -> None:
    live = [job(f"/out/{number}") for number in range(3)]
    check_queue(live, 4, 5.0)
    with pytest.raises(ServiceError) as caught:
        check_queue(live, 3, 7.4)
    assert (caught.value.code, caught.value.retry_after_sec) == ("queue_full", 7) and "RENDER_MAX_QUEUED_JOBS" in caught.value.detail
    for item in live:
        item.move_to("running")
    check_queue(live, 3, 5.0)


@pytest.mark.parametrize(
    ("other", "busy"),
    [
        (job("/out/a"), False),
        (job("/out/a", priority="batch"), False),
        (job("/out/b", samples=3), False),
        (job("/out/a", samples=3), True),
        (job("/out/a", cad="/in/b.ply"), True),
        (job("/out/a/templates", templates_subfolder=False), True),
        (job("/out", templates_subfolder=False), True),
        (job("/out/a/templates/deeper"), True),
        (job("/out/a/deeper"), False),
    ],
)
def test_one_folder_takes_one_rendering_at_a_time(other: Job, busy: bool) -> None:
    if not busy:
        check_output(other, [job("/out/a")])
        return
    with pytest.raises(ServiceError) as caught:
        check_output(other, [job("/out/a")])
    assert (caught.value.code, caught.value.field) == ("output_busy", "output_dir")


@pytest.mark.parametrize("status", ["succeeded", "failed", "canceled", "timeout"])
def test_a_job_that_has_ended_is_in_nobodys_way(status: JobState) -> None:
    """Its end may not be stored yet, but whoever waited for it has seen it."""
    ended = job("/out/a", samples=3)
    ended.move_to("running")
    ended.move_to(status)
    check_output(job("/out/a"), [ended])


@pytest.mark.parametrize("folder", ["/out/of/many/folders/{}", "/out/of/one"])
def test_a_large_batch_is_compared_quickly_with_a_full_queue(folder: str) -> None:
    live = [job(folder.format(number)) for number in range(2000)]
    items = [job(folder.format(f"new{number}")) for number in range(200)]
    began = time.process_time()
    for item in items:
        check_output(item, live)
    assert time.process_time() - began < 1.0


def test_every_state_is_final_or_on_its_way() -> None:
    assert set(FINAL_STATES) | set(TRANSITIONAL_STATES) == set(JOB_STATES) and not set(FINAL_STATES) & set(TRANSITIONAL_STATES)
    for final in FINAL_STATES:
        for state in JOB_STATES:
            item = job("/out/a")
            item.status = final
            with pytest.raises(ImpossibleMoveError):
                item.move_to(state)


def test_a_job_that_was_put_back_keeps_the_time_that_it_ran() -> None:
    item = job("/out/a")
    item.earlier_seconds = 100.0
    item.move_to("running")
    item.move_to("queued")
    assert item.ended_at is None and 100.0 <= (item.elapsed_seconds or 0) < 101
    item.move_to("running")
    item.move_to("succeeded")
    assert 100.0 <= (item.elapsed_seconds or 0) < 101 and item.record().returncode == 0


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


async def test_a_quarantined_cad_is_refused_until_its_time_is_over(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    quarantine = Quarantine(store, 100)
    quarantine.check("abc")
    await quarantine.add("abc", "it killed two")
    with pytest.raises(ServiceError) as caught:
        quarantine.check("abc")
    assert caught.value.code == "cad_quarantined" and "it killed two" in caught.value.detail and (caught.value.retry_after_sec or 0) > 90
    quarantine.check("other")
    later = Quarantine(store, 0.05)  # The setting was lowered meanwhile.
    await later.load()
    with pytest.raises(ServiceError):
        later.check("abc")
    await asyncio.sleep(0.06)
    assert later.empty
    later.check("abc")
    store.close()


async def test_jobs_of_a_batch_leave_places_for_others() -> None:
    turns = JobTurns(2)
    started: list[str] = []
    go_on = asyncio.Event()

    async def one(group: str, urgent: bool) -> None:
        async with turns.turn(group, urgent=urgent, large=False):
            started.append(group)
            await go_on.wait()

    tasks = [asyncio.create_task(one("batch", False)) for _ in range(10)]
    tasks += [asyncio.create_task(one(f"single{number}", True)) for number in range(10)]
    await asyncio.sleep(0.01)
    assert started.count("batch") == 2 and started.count("single0") == 1 and len(started) < 12
    go_on.set()
    await asyncio.gather(*tasks)
    assert len(started) == 20


@pytest.mark.parametrize("urgent", [True, False])
@pytest.mark.parametrize("renderers", [1, 2, 8, 64])
async def test_jobs_with_large_cads_leave_places_for_others(renderers: int, urgent: bool) -> None:
    """However many wait to be read, one after another, a job with a small one runs at once."""
    turns = JobTurns(renderers)
    started: list[str] = []
    read, go_on = asyncio.Event(), asyncio.Event()

    async def one(group: str, large: bool) -> None:
        async with turns.turn(group, urgent=urgent, large=large) as cad_read:
            started.append(group)
            await read.wait()
            await cad_read()
            await go_on.wait()

    tasks = [asyncio.create_task(one(f"large{number}", True)) for number in range(50)]
    await asyncio.sleep(0.01)
    tasks.append(asyncio.create_task(one("small", False)))
    await asyncio.sleep(0.01)
    places = 2 * (len(started) - 1)
    assert started[-1] == "small" and places >= 2
    read.set()
    await asyncio.sleep(0.01)
    assert len(started) == places  # Those that are read take any place that is free.
    go_on.set()
    await asyncio.gather(*tasks)
    assert len(started) == 51


async def test_old_logs_go_when_they_take_too_much_room(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(6):
        (logs / f"j{number}.log").write_bytes(b"x" * 1000)
        os.utime(logs / f"j{number}.log", (number, number))
    store = JobStore(tmp_path / "data")
    settings = Settings(data_dir=tmp_path / "data", log_dir=logs, log_max_bytes=2500)
    await tidy(settings, store, live={"j0"})
    assert sorted(path.stem for path in logs.iterdir()) == ["j0", "j5"]
    store.close()
