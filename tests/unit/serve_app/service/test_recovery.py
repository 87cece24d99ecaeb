"""Jobs that an earlier server left."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from serve_app.base.file_digests import FileDigests
from serve_app.base.output_roots import OutputRoots
from serve_app.base.settings import Settings
from serve_app.jobs.job import Job
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.record import record_of
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.store import JobStore
from serve_app.service.intake import Intake
from serve_app.service.recovery import MAX_RESTARTS_WITHOUT_VIEW, recover_jobs
from serve_app.uploads.store import UploadStore
from tests.unit.serve_app.templates_made import leftover


class Disk:
    """A store with one job that an earlier server accepted a day ago."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        (folder / "cad.ply").write_bytes(b"ply")
        self.settings, self.store = settings, JobStore(settings.data_dir)
        self.intake = Intake(settings, Quarantine(self.store, 0), FileDigests(), UploadStore.of_server(settings, lambda upload_id: False))
        request = RenderRequest(cad_path=str(folder / "cad.ply"), output_dir=str(folder / "out"), quality="draft")
        self.job = Job(self.intake.resolve(request, group="g", request_hash="h", job_id="mine", created_at=1_700_000_000.5))
        self.job.progress.accept()

    async def recovered(self) -> Job | None:
        found = await recover_jobs(self.store, self.intake, OutputRoots.of_server(self.settings))
        return found[0] if found else None


@pytest.fixture
async def disk(settings: Settings, tmp_path: Path) -> AsyncIterator[Disk]:
    disk = Disk(settings, tmp_path)
    await disk.store.insert(record_of(disk.job))
    yield disk
    disk.store.close()


async def test_a_job_that_waited_is_the_same_job_again(disk: Disk) -> None:
    found = await disk.recovered()
    assert found is not None and found.recovered and found.spec == disk.job.spec
    stored = await disk.store.get("mine")
    assert stored is not None and (stored.status, stored.restarts_without_view) == ("queued", 0)


async def test_a_job_of_a_server_that_knew_fewer_options_goes_on_as_it_was_meant(disk: Disk) -> None:
    older = {name: value for name, value in record_of(disk.job).options.items() if name not in ("outputs", "layout", "object_id", "camera")}
    await disk.store.update(dataclasses.replace(record_of(disk.job), options=older | {"unit": "mm"}))
    found = await disk.recovered()
    assert found is not None and found.spec.request.unit == "mm" and not found.spec.wants_mesh


async def test_a_job_that_ran_keeps_its_times_and_is_counted(disk: Disk) -> None:
    disk.job.progress.start()
    await disk.store.update(record_of(disk.job))
    found = await disk.recovered()
    assert found is not None and found.progress.started_at == disk.job.progress.started_at
    assert found.progress.elapsed_sec is not None and found.progress.age_sec < 60
    stored = await disk.store.get("mine")
    assert stored is not None and (stored.status, stored.restarts_without_view) == ("queued", 1)


async def test_a_job_is_given_up_when_too_many_servers_ended_before_a_view_of_it(disk: Disk) -> None:
    staging = leftover(disk.job.spec.templates_dir, "mine", "rgb_0.png")
    for _ in range(MAX_RESTARTS_WITHOUT_VIEW):
        assert await disk.recovered() is not None and staging.exists()
        await disk.store.count_restart("mine")
    assert await disk.recovered() is None and not staging.exists() and await disk.store.unfinished() == []
    stored = await disk.store.get("mine")
    assert stored is not None and stored.status == "failed" and stored.error is not None
    assert stored.error.code == "server_restarted" and f"{MAX_RESTARTS_WITHOUT_VIEW} servers" in stored.error.detail


async def test_a_view_that_was_rendered_forgives_the_restarts(disk: Disk) -> None:
    for _ in range(MAX_RESTARTS_WITHOUT_VIEW):
        await disk.store.count_restart("mine")
    await disk.store.add_views("mine", "key", [(0, {})], "folder")
    assert await disk.recovered() is not None


async def test_a_job_whose_cad_is_gone_fails(disk: Disk) -> None:
    disk.job.spec.cad_path.unlink()
    assert await disk.recovered() is None
    stored = await disk.store.get("mine")
    assert stored is not None and stored.status == "failed" and stored.error is not None and stored.error.code == "cad_not_found"


async def test_an_output_folder_is_looked_at_when_its_job_publishes_and_not_at_the_start(disk: Disk) -> None:
    disk.job.spec.templates_dir.mkdir(parents=True)
    (disk.job.spec.templates_dir / "thesis.tex").touch()
    found = await disk.recovered()
    assert found is not None and found.spec.templates_dir == disk.job.spec.templates_dir
