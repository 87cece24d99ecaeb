"""Results that the server keeps for clients: for their time, within a bound, and never taken from a job."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.jobs.disk_need import DiskNeed
from serve_app.jobs.job import Job, JobSpec
from serve_app.jobs.record import record_of
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.store import JobStore
from serve_app.service.admission import check_room
from serve_app.service.kept_results import KeptResults
from serve_app.service.live_jobs import LiveJobs

HOUR = 3600.0


class Shelf:
    """Results of jobs, and the jobs."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.store, self.live = settings, JobStore(settings.data_dir), LiveJobs()
        self.kept = KeptResults(settings, self.store, lambda job_id: self.live.get(job_id) is not None)

    def job(self, name: str, size: int = 0) -> Job:
        request = RenderRequest(upload_id="0" * 32, cad="a.stl")
        need, folder = DiskNeed(1, size, replaces=False), self.settings.results_dir / name
        job = Job(JobSpec(name, request, Path("/up/a.stl"), folder, Path("/logs/x.log"), disk_need=need, results_ttl_sec=1000.0))
        job.progress.accept()
        return job

    async def ended(self, name: str, size: int, ago_sec: float, *, succeeded: bool = True) -> Job:
        """A job that has ended a while ago, with results."""
        job = self.job(name)
        await self.store.insert(record_of(job))
        job.progress.start()
        if succeeded:
            job.progress.publish()
            job.progress.succeed()
        else:
            job.progress.fail(ServiceError("render_failed", "x"))
        job.progress.ended_at = time.time() - ago_sec
        await self.store.update(record_of(job))
        self.files(name, size)
        return job

    def files(self, name: str, size: int) -> None:
        folder = self.settings.results_dir / name / "templates"
        folder.mkdir(parents=True)
        (folder / "rgb_0.png").write_bytes(bytes(size))

    def left(self) -> list[str]:
        return sorted(os.listdir(self.settings.results_dir))


@pytest.fixture
async def shelf(settings: Settings) -> AsyncIterator[Shelf]:
    shelf = Shelf(settings.model_copy(update={"results_max_bytes": 1000, "results_ttl_sec": 1000.0}))
    yield shelf
    shelf.store.close()


async def test_results_stay_as_long_as_was_told(shelf: Shelf) -> None:
    young, old = await shelf.ended("young", 10, 990), await shelf.ended("old", 20, 1001)
    assert (record_of(young).results_expire_at or 0) > time.time() > (record_of(old).results_expire_at or 0)
    await shelf.kept.sweep()
    assert shelf.left() == ["young"] and (shelf.kept.bytes_used, len(shelf.kept)) == (10, 1)
    shelf.settings.__dict__["results_ttl_sec"] = 1.0  # What was told to a client holds, also under another setting.
    again = KeptResults(shelf.settings, shelf.store, lambda job_id: False)
    await again.sweep()
    assert shelf.left() == ["young"]


async def test_the_oldest_go_where_they_are_too_many_but_none_of_the_last_hour(shelf: Shelf) -> None:
    shelf.settings.__dict__["results_ttl_sec"] = 100 * HOUR
    for name, hours in (("a", 3.0), ("b", 2.0), ("c", 0.5), ("d", 0.2)):
        job = await shelf.ended(name, 600, hours * HOUR)
        record = record_of(job)
        await shelf.store.update(type(record)(**{**vars(record), "results_expire_at": time.time() + HOUR}))
    await shelf.kept.sweep()
    assert shelf.left() == ["c", "d"] and shelf.kept.bytes_used == 1200
    assert shelf.kept.bytes_used > shelf.kept.max_bytes


async def test_what_belongs_to_a_job_that_goes_on_is_not_touched(shelf: Shelf) -> None:
    queued = shelf.job("queued")
    await shelf.store.insert(record_of(queued))
    shelf.files("queued", 5000)
    live = await shelf.ended("live", 5000, 5 * HOUR)
    shelf.live.add(live)
    await shelf.kept.sweep()
    assert shelf.left() == ["live", "queued"] and shelf.kept.bytes_used == 0


async def test_what_nobody_was_told_of_goes_by_its_age(shelf: Shelf) -> None:
    await shelf.ended("failed", 10, 1001, succeeded=False)
    shelf.files("unknown", 10)
    shelf.files("forgotten", 10)
    long_ago = time.time() - 1001
    os.utime(shelf.settings.results_dir / "forgotten", (long_ago, long_ago))
    (shelf.settings.results_dir / ".doomed-x").mkdir()
    await shelf.kept.sweep()
    assert shelf.left() == ["unknown"]


async def test_results_that_somebody_has_removed_are_not_counted(shelf: Shelf) -> None:
    await shelf.ended("a", 10, 1)
    await shelf.kept.sweep()
    assert shelf.kept.bytes_used == 10
    (shelf.settings.results_dir / "a/templates/rgb_0.png").unlink()
    (shelf.settings.results_dir / "a/templates").rmdir()
    (shelf.settings.results_dir / "a").rmdir()
    await shelf.kept.sweep()
    assert shelf.kept.bytes_used == 0


async def test_a_job_is_refused_where_its_results_would_be_too_many(shelf: Shelf) -> None:
    await shelf.ended("a", 400, 1)
    await shelf.kept.sweep()
    shelf.live.add(shelf.job("live", 500))
    for size, fits in ((90, True), (110, False)):
        spec = shelf.job("new", size).spec
        place = shelf.kept.place(spec)
        assert place is not None
        if fits:
            check_room((place,), spec, shelf.live)
            continue
        with pytest.raises(ServiceError) as caught:
            check_room((place,), spec, shelf.live)
        assert caught.value.code == "storage_full" and "RENDER_RESULTS_MAX_BYTES" in caught.value.detail
