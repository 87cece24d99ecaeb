"""The life of jobs, with a rendering that does what a test wants and a store that may refuse."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.logs import JobLog
from serve_app.base.settings import Settings
from serve_app.cad.loader import LoadedCad
from serve_app.jobs.job import Job
from serve_app.jobs.record import JobRecord, record_of
from serve_app.jobs.states import JobState
from serve_app.jobs.store import JobStore
from serve_app.service.limits import Limits
from serve_app.service.runner import JobRunner
from serve_app.service.slots import JobSlots
from tests.unit.serve_app.made import make_spec

LONG = 60.0


class RefusingStore(JobStore):
    """A job store that, while it is told to, refuses to write as on a full disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.full = False

    async def insert(self, record: JobRecord, request_key: str | None = None, callback_url: str | None = None) -> JobRecord | None:
        self._check()
        return await super().insert(record, request_key, callback_url)

    async def update(self, record: JobRecord) -> None:
        self._check()
        await super().update(record)

    def _check(self) -> None:
        if self.full:
            raise ServiceError("store_unavailable", "the disk is full")


class Rendering:
    """Publishes nothing; what rendering a job takes is up to the test."""

    def __init__(self, do: Callable[[Job], Awaitable[None]]) -> None:
        self._do = do

    async def load_cad(self, job: Job, log: JobLog) -> LoadedCad:
        return LoadedCad("key", "sha", None, np.zeros((2, 3)), {}, (), 0, {})

    async def render(self, job: Job, cad: LoadedCad, log: JobLog) -> None:
        await self._do(job)
        job.progress.publish()


class NothingOut:
    """A scheduler that has handed nothing out."""

    async def pause(self, grace_sec: float) -> None:
        return


class World:
    """Runners over one store."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = RefusingStore(settings.data_dir)
        self.do: Callable[[Job], Awaitable[None]] = self.nothing

    @staticmethod
    async def nothing(job: Job) -> None:
        return

    @staticmethod
    async def for_ever(job: Job) -> None:
        await asyncio.sleep(LONG)

    def runner(self, **settings: Any) -> JobRunner:
        rendering = Rendering(lambda job: self.do(job))
        limits = Limits.for_renderers(1)
        return JobRunner(self.settings.model_copy(update=settings), self.store, rendering, NothingOut(), JobSlots(limits))

    def job(self, name: str = "a", **more: Any) -> Job:
        spec = make_spec(f"/out/{name}", job_id=f"job-{name}", log_path=self.settings.log_dir / f"{name}.log")
        return Job(spec, **more)

    async def stored(self, job: Job) -> JobRecord:
        found = await self.store.get(job.job_id)
        assert found is not None
        return found


async def settled() -> None:
    """Let every task run until it waits for something."""
    for _ in range(200):
        await asyncio.sleep(0)


async def reaches(job: Job, status: JobState) -> None:
    """Wait until a job is in a state."""
    async with asyncio.timeout(20):
        while job.progress.status != status:
            await asyncio.sleep(0.005)


async def ends(job: Job) -> None:
    """Wait until those who wait for a job are answered."""
    await asyncio.wait_for(job.progress.wait_released(), 20)


async def nothing_left(runner: JobRunner) -> None:
    """Wait until every job has ended, and is stored so."""
    async with asyncio.timeout(20):
        while runner.live_jobs():
            await asyncio.sleep(0.02)


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    world = World(settings)
    yield world
    world.store.close()


async def test_a_job_is_on_disk_before_it_runs_and_when_it_has_ended(world: World) -> None:
    seen: list[str] = []

    async def look(job: Job) -> None:
        seen.append((await world.stored(job)).status)

    world.do = look
    job = world.job()
    assert await world.runner().submit(job) is None
    await ends(job)
    assert seen == ["running"] and (await world.stored(job)).status == "succeeded"


async def test_all_of_a_jobs_log_is_on_disk_when_it_has_ended(world: World) -> None:
    for number in range(20):
        job = world.job(str(number))
        assert await world.runner().submit(job) is None
        await ends(job)
        lines = job.spec.log_path.read_text().splitlines()
        assert 'event="job accepted"' in lines[0] and 'event="job succeeded"' in lines[-1]


async def test_jobs_run_though_their_start_cannot_be_stored(world: World) -> None:
    """A disk that is full for a moment must not fail what waits, one job after another."""
    runner = world.runner()
    runner.pause_starts()
    jobs = [world.job(str(number)) for number in range(20)]
    for job in jobs:
        await runner.submit(job)
    world.store.full = True
    runner.resume_starts()
    await asyncio.gather(*(ends(job) for job in jobs))
    assert {job.progress.status for job in jobs} == {"succeeded"} and {(await world.stored(job)).status for job in jobs} == {"queued"}
    world.store.full = False
    await nothing_left(runner)
    assert {(await world.stored(job)).status for job in jobs} == {"succeeded"}


@pytest.mark.parametrize("running", [False, True])
async def test_a_cancel_is_answered_when_it_is_on_disk(world: World, running: bool) -> None:
    """Otherwise a server that starts then runs, and publishes, what the client knows to be canceled."""
    world.do = world.for_ever
    runner, job = world.runner(), world.job()
    if not running:
        runner.pause_starts()
    await runner.submit(job)
    if running:
        await reaches(job, "running")
        async with asyncio.timeout(20):
            while (await world.stored(job)).status != "running":
                await asyncio.sleep(0.005)
    world.store.full = True
    for _ in range(2):
        with pytest.raises(ServiceError) as caught:
            await asyncio.wait_for(runner.cancel(job), 60)
        assert caught.value.code == "store_unavailable" and "has stopped" in caught.value.detail
    world.store.full = False
    await nothing_left(runner)
    await runner.cancel(job)
    assert job.progress.status == (await world.stored(job)).status == "canceled"


async def test_a_job_waits_for_a_slot_no_longer_than_the_time_limit(world: World) -> None:
    world.do = world.for_ever
    runner = world.runner(queue_timeout_sec=0.3)
    running = [world.job(str(number)) for number in range(4)]
    for job in running:
        await runner.submit(job)
    for job in running:
        await reaches(job, "running")
    late = world.job("late")
    await runner.submit(late)
    await ends(late)
    stored = await world.stored(late)
    assert stored.status == "timeout" and stored.started_at is None
    assert stored.error is not None and stored.error.code == "queue_timeout" and "RENDER_QUEUE_TIMEOUT_SEC" in stored.error.detail
    assert {job.progress.status for job in running} == {"running"}  # Its limit is over once they run.
    world.do = world.nothing
    for job in running:
        await runner.cancel(job)
    later = world.job("later")
    await runner.submit(later)
    await ends(later)
    assert later.progress.status == "succeeded"  # The one that gave up has left no slot taken.


async def test_the_time_limit_of_the_queue_begins_anew_with_a_server(world: World) -> None:
    """A server that was down for a day must not end all that it finds, nor one whose wall clock was moved."""
    runner, job = world.runner(queue_timeout_sec=5), world.job(recovered=True)
    object.__setattr__(job.spec, "created_at", job.spec.created_at - 10 * 86400)
    await world.store.insert(record_of(job))
    runner.pause_starts()
    runner.recover(job)
    await settled()
    assert job.progress.started_at is None
    runner.resume_starts()
    await ends(job)
    assert job.progress.status == "succeeded"


@pytest.mark.parametrize("earlier", [0.0, 1000.0])
async def test_a_job_runs_no_longer_than_the_time_limit(world: World, earlier: float) -> None:
    """What it ran under earlier servers counts."""
    world.do = world.for_ever
    runner, job = world.runner(job_timeout_sec=earlier + 0.2), world.job(started_at=1.0, ran_before_sec=earlier)
    await runner.submit(job)
    await ends(job)
    stored = await world.stored(job)
    assert stored.status == "timeout" and stored.error is not None and stored.error.code == "job_timeout"
    assert "RENDER_JOB_TIMEOUT_SEC" in stored.error.detail and earlier + 0.1 < (stored.elapsed_sec or 0) < earlier + 10


async def test_another_timeout_is_not_taken_for_the_time_limit(world: World) -> None:
    async def times_out(job: Job) -> None:
        raise TimeoutError

    world.do = times_out
    job = world.job()
    await world.runner().submit(job)
    await ends(job)
    assert job.progress.status == "failed" and job.progress.error is not None and job.progress.error.code == "internal_error"


async def test_a_job_whose_id_is_taken_is_none(world: World) -> None:
    world.do = world.for_ever
    runner, first = world.runner(), world.job()
    await runner.submit(first)
    again = world.job()
    object.__setattr__(again.spec, "output_dir", Path("/out/elsewhere"))
    found = await world.runner().submit(again)
    assert found is not None and found.job_id == first.job_id and again.progress.phase == "refused"
    await ends(again)
    await runner.cancel(first)


async def test_draining_puts_jobs_back_for_the_next_server(world: World) -> None:
    world.do = world.for_ever
    runner, running, waiting = world.runner(), world.job("running"), world.job("waiting")
    await runner.submit(running)
    await reaches(running, "running")
    runner.pause_starts()
    await runner.submit(waiting)
    await runner.drain(0)
    assert (running.progress.phase, waiting.progress.phase) == ("put_back", "put_back") and runner.draining
    assert [record.status for record in await world.store.unfinished()] == ["queued", "queued"]
    with pytest.raises(ServiceError, match="is stopping"):
        await runner.submit(world.job("late"))
    assert runner.live_jobs() == []


async def test_a_job_that_is_canceled_while_it_is_published_has_succeeded(world: World) -> None:
    """Its files are there: to say canceled would be wrong."""
    published = asyncio.Event()

    async def publish_slowly(job: Job) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            published.set()
            await asyncio.sleep(LONG)

    world.do = publish_slowly
    runner, job = world.runner(), world.job()
    await runner.submit(job)
    await published.wait()
    await runner.cancel(job)
    assert job.progress.status == (await world.stored(job)).status == "succeeded"
