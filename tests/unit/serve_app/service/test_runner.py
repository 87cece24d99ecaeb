"""The life of jobs, with a rendering that does what a test wants and a store that may refuse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.logs import JobLog
from serve_app.base.settings import Settings
from serve_app.http.responses import JobRecord
from serve_app.jobs.job import Job
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.store import JobStore, StoredJob
from serve_app.rendering.job_rendering import JobRendering
from serve_app.rendering.scheduler import ViewScheduler
from serve_app.service.runner import MOST_RESUMES, JobRunner, refusal_to_resume
from serve_app.service.slots import CadRead, JobTurns

LONG = 60.0


class RefusingStore(JobStore):
    """A job store that, while it is told to, refuses to write as on a full disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.full = False

    async def insert(self, *args: Any, **options: Any) -> StoredJob | None:
        self._check()
        return await super().insert(*args, **options)

    async def update(self, record: JobRecord, resumed: int = 0) -> None:
        self._check()
        await super().update(record, resumed)

    def _check(self) -> None:
        if self.full:
            raise ServiceError("store_unavailable", "the disk is full")


class Rendering:
    """Publishes nothing; what rendering a job takes is up to the test."""

    def __init__(self, do: Callable[[Job], Awaitable[None]]) -> None:
        self._do = do

    async def render(self, job: Job, log: JobLog, cad_read: CadRead) -> None:
        await self._do(job)
        job.published = True


class World:
    """Runners over one store."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = RefusingStore(settings.data_dir)
        self.do: Callable[[Job], Awaitable[None]] = self._nothing

    @staticmethod
    async def _nothing(job: Job) -> None:
        return

    @staticmethod
    async def for_ever(job: Job) -> None:
        await asyncio.sleep(LONG)

    def runner(self, **settings: Any) -> JobRunner:
        async def render(batch: Any) -> Any:
            raise NotImplementedError

        rendering = cast(JobRendering, Rendering(lambda job: self.do(job)))
        return JobRunner(self.settings.model_copy(update=settings), self.store, rendering, ViewScheduler(render, 1), JobTurns(1))

    def job(self, name: str = "a", **options: Any) -> Job:
        request = RenderRequest(cad_path="a.ply", output_dir=name, **options)
        return Job(request, Path("/in/a.ply"), Path("/out", name), self.settings.log_dir / f"{name}.log", f"job-{name}")

    async def stored(self, job: Job) -> StoredJob:
        found = await self.store.get(job.job_id)
        assert found is not None
        return found


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
        seen.append((await world.stored(job)).record.status)

    world.do = look
    job = world.job()
    assert await world.runner().submit(job) is None
    await asyncio.wait_for(job.done.wait(), 5)
    assert seen == ["running"] and (await world.stored(job)).record.status == "succeeded"


async def test_jobs_run_though_their_start_cannot_be_stored(world: World) -> None:
    """A disk that is full for a moment must not fail what waits, one job after another."""
    runner = world.runner()
    runner.hold()
    jobs = [world.job(str(number)) for number in range(20)]
    for job in jobs:
        await runner.submit(job)
    world.store.full = True
    runner.release()
    await asyncio.wait_for(asyncio.gather(*(job.done.wait() for job in jobs)), 5)
    assert {job.status for job in jobs} == {"succeeded"} and {(await world.stored(job)).record.status for job in jobs} == {"queued"}
    world.store.full = False
    await nothing_left(runner)
    assert {(await world.stored(job)).record.status for job in jobs} == {"succeeded"}


@pytest.mark.parametrize("running", [False, True])
async def test_a_cancel_is_answered_when_it_is_on_disk(world: World, running: bool) -> None:
    """Otherwise a server that starts then runs, and publishes, what the client knows to be canceled."""
    world.do = world.for_ever
    runner, job = world.runner(), world.job()
    if not running:
        runner.hold()
    await runner.submit(job)
    while running and job.status != "running":
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    world.store.full = True
    for _ in range(2):
        with pytest.raises(ServiceError) as caught:
            await asyncio.wait_for(runner.cancel(job), 5)
        assert caught.value.code == "store_unavailable" and "has stopped" in caught.value.detail
    world.store.full = False
    await nothing_left(runner)
    await runner.cancel(job)
    assert job.status == (await world.stored(job)).record.status == "canceled"


async def test_a_job_waits_for_its_turn_no_longer_than_the_queue_clock(world: World) -> None:
    world.do = world.for_ever
    runner = world.runner(queue_timeout_sec=0.3)
    running = [world.job(str(number)) for number in range(4)]
    for job in running:
        await runner.submit(job)
    while any(job.status != "running" for job in running):
        await asyncio.sleep(0.01)
    late = world.job("late")
    await runner.submit(late)
    await asyncio.wait_for(late.done.wait(), 10)
    stored = (await world.stored(late)).record
    assert stored.status == "timeout" and stored.started_at is None and stored.returncode == 124
    assert stored.error is not None and stored.error.code == "queue_timeout" and "RENDER_QUEUE_TIMEOUT_SEC" in stored.error.detail
    assert {job.status for job in running} == {"running"}  # The clock is over once they run.
    world.do = world._nothing
    for job in running:
        await runner.cancel(job)
    later = world.job("later")
    await runner.submit(later)
    await asyncio.wait_for(later.done.wait(), 10)
    assert later.status == "succeeded"  # The one that gave up has left no place taken.


async def test_the_queue_clock_begins_anew_with_a_server(world: World) -> None:
    """A server that was down for a day must not end all that it finds, nor one whose clock was moved."""
    runner, job = world.runner(queue_timeout_sec=5), world.job()
    await world.store.insert(job.record(), job.group)
    job.created_at -= 10 * 86400
    runner.hold()
    runner.take_over(job)
    await asyncio.sleep(0.05)
    runner.release()
    await asyncio.wait_for(job.done.wait(), 10)
    assert job.status == "succeeded" and job.age_seconds < 5


@pytest.mark.parametrize("earlier", [0.0, 1000.0])
async def test_a_job_runs_no_longer_than_the_job_clock(world: World, earlier: float) -> None:
    """What it ran under earlier servers counts."""
    world.do = world.for_ever
    runner, job = world.runner(job_timeout_sec=earlier + 0.2), world.job()
    job.earlier_seconds = earlier
    await runner.submit(job)
    await asyncio.wait_for(job.done.wait(), 10)
    stored = (await world.stored(job)).record
    assert stored.status == "timeout" and stored.error is not None and stored.error.code == "job_timeout"
    assert "RENDER_JOB_TIMEOUT_SEC" in stored.error.detail and earlier + 0.1 < (stored.elapsed_sec or 0) < earlier + 10


async def test_another_timeout_is_not_taken_for_the_job_clock(world: World) -> None:
    async def times_out(job: Job) -> None:
        raise TimeoutError

    world.do = times_out
    job = world.job()
    await world.runner().submit(job)
    await asyncio.wait_for(job.done.wait(), 10)
    assert job.status == "failed" and job.error is not None and job.error.code == "internal_error"


async def test_a_job_that_no_server_gets_on_with_is_given_up(world: World) -> None:
    job = world.job()
    await world.store.insert(job.record(), job.group)
    job.status = "running"
    for resumed in range(MOST_RESUMES + 1):
        await world.store.update(job.record(), resumed)
        refusal = refusal_to_resume(await world.stored(job))
        assert (refusal is not None) == (resumed == MOST_RESUMES)
    assert refusal is not None and refusal.code == "server_restarted" and f"{MOST_RESUMES} servers" in refusal.detail
    await world.store.add_views(job.job_id, "key", [(0, {})])
    assert refusal_to_resume(await world.stored(job)) is None  # A view of it was rendered: it is not what ends them.
