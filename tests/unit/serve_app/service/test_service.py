"""The service without HTTP, renderers and Ray: what it accepts, and what it looks at before."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from render_actor.contract.types import BatchResult, RendererStatus, ViewBatch
from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.cad.loader import LARGE_BYTES
from serve_app.jobs.job import Job
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.store import StoredJob
from serve_app.service.path_policy import PathPolicy
from serve_app.service.runner import MOST_RESUMES
from serve_app.service.service import RenderService
from serve_app.templates.copy import sha256_of
from serve_app.templates.staging import staging_path


class NoRenderers:
    """Renderers that are never there."""

    async def render(self, batch: ViewBatch) -> BatchResult:
        raise ConnectionError

    async def statuses(self) -> list[RendererStatus]:
        return []

    async def quiet(self) -> None:
        return


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[RenderService]:
    service = RenderService(settings.model_copy(update={"min_free_bytes": 0}), NoRenderers(), 2)
    yield service
    service._store.close()


def request(folder: Path, name: str = "cad.ply", **options: Any) -> RenderRequest:
    return RenderRequest(cad_path=str(folder / name), output_dir=str(folder / "out"), **options)


async def test_a_quarantined_cad_is_refused_at_the_door(service: RenderService, tmp_path: Path) -> None:
    (tmp_path / "cad.ply").write_bytes(b"ply")
    await service._quarantine.add(sha256_of(tmp_path / "cad.ply"), "it killed two")
    with pytest.raises(ServiceError) as caught:
        service._checked(request(tmp_path), "", None)
    assert caught.value.code == "cad_quarantined"
    (tmp_path / "cad.ply").write_bytes(b"ply repaired")
    service._checked(request(tmp_path), "", None)


async def test_the_door_reads_no_cad_that_is_large_or_no_file(
    service: RenderService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would hold up the few threads that all requests share; whoever parses the CAD finds what is wrong."""
    await service._quarantine.add("0" * 64, "it killed two")
    with (tmp_path / "cad.ply").open("wb") as file:
        file.truncate(1 << 38)
    service._checked(request(tmp_path), "", None)
    checked = PathPolicy.cad

    def exchanged(policy: PathPolicy, text: str) -> Path:
        path = checked(policy, text)
        path.unlink()
        os.mkfifo(path)
        return path

    monkeypatch.setattr(PathPolicy, "cad", exchanged)
    service._checked(request(tmp_path), "", None)


@pytest.mark.parametrize("refused", [False, True])
async def test_of_two_puts_at_once_none_is_answered_before_the_job_is_on_disk(
    service: RenderService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    (tmp_path / "cad.ply").write_bytes(b"ply")
    service._runner.hold()
    written, insert, inserts = asyncio.Event(), service._store.insert, 0

    async def slow(*args: Any) -> StoredJob | None:
        nonlocal inserts
        inserts += 1
        await written.wait()
        if refused and inserts == 1:
            raise ServiceError("store_unavailable", "the disk is full")
        return await insert(*args)

    monkeypatch.setattr(service._store, "insert", slow)
    puts = [asyncio.create_task(service.accept(request(tmp_path), job_id="mine")) for _ in range(2)]
    done, _ = await asyncio.wait(puts, timeout=0.3)
    assert not done
    written.set()
    answers = await asyncio.gather(*puts, return_exceptions=True)
    stored = await service._store.get("mine")
    jobs = [answer for answer in answers if isinstance(answer, Job)]
    assert stored is not None and {job.job_id for job in jobs} == {"mine"} and len(jobs) == (1 if refused else 2)
    assert inserts == (2 if refused else 1) and service._runner.live_jobs() == jobs[:1]


async def test_a_job_knows_whether_its_cad_is_large(service: RenderService, tmp_path: Path) -> None:
    for size in (LARGE_BYTES, LARGE_BYTES + 1):
        with (tmp_path / "cad.ply").open("wb") as file:
            file.truncate(size)
        assert service._checked(request(tmp_path), "", None).large is (size > LARGE_BYTES)


async def test_jobs_of_an_earlier_server_are_taken_up_until_they_have_ended_too_many(service: RenderService, tmp_path: Path) -> None:
    (tmp_path / "cad.ply").write_bytes(b"ply")
    job = service._checked(request(tmp_path), "", "mine")
    job.created_at -= 86400
    await service._store.insert(job.record(), job.group)
    job.move_to("running")
    await service._store.update(job.record(), MOST_RESUMES - 1)
    (stored,) = await service._store.unfinished()
    taken = await service._taken_up(stored)
    assert taken is not None and (taken.status, taken.resumed) == ("queued", MOST_RESUMES) and taken.age_seconds < 60
    assert taken.record().created_at == job.record().created_at
    await service._store.update(job.record(), MOST_RESUMES)
    staging = staging_path(job.templates_dir, job.job_id)
    staging.mkdir(parents=True)
    (stored,) = await service._store.unfinished()
    assert await service._taken_up(stored) is None and not staging.exists() and await service._store.unfinished() == []
    record = await service.job_record("mine")
    assert record.status == "failed" and record.error is not None and record.error.code == "server_restarted"
