"""A job's work with renderers that draw a square, and CADs that are only named."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from render_actor.contract.types import BatchResult, EncodedView, ViewBatch
from render_actor.view.encoding import encode_mask, encode_rgb, encode_xyz
from serve_app.base.logs import JobLog
from serve_app.base.settings import Settings
from serve_app.cad.loader import LoadedCad
from serve_app.jobs.job import Job
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.record import record_of
from serve_app.jobs.store import JobStore
from serve_app.rendering.job_rendering import JobRendering
from serve_app.rendering.scheduler import ViewScheduler
from serve_app.templates.cache import TemplateCache
from serve_app.templates.staging import StagingFolder, staging_path
from tests.unit.serve_app.made import make_spec

VIEWS = 42


class Loader:
    async def load(self, path: Path) -> LoadedCad:
        corners = np.array([[-1.0, -1, -1], [1, 1, 1]])
        return LoadedCad(path.name, path.name, None, corners, {}, (), 0, {})


class Server:
    """What does jobs in one server's life.

    Attributes:
        rendered: views in the order in which they were asked for.
        stalls_at: number of views after which renderers answer no more, until the job is stopped.
    """

    def __init__(self, settings: Settings) -> None:
        self.rendered: list[int] = []
        self.stalls_at = VIEWS
        self.store = JobStore(settings.data_dir)
        loader: Any = Loader()
        scheduler = ViewScheduler(self._render, 2, epoch=self.store.epoch, grace_sec=0)
        cache = TemplateCache(settings.data_dir / "cache", settings.cache_max_bytes)
        self._rendering = JobRendering(settings, self.store, loader, scheduler, cache, Quarantine(self.store, 0))

    async def _render(self, batch: ViewBatch) -> BatchResult:
        if len(self.rendered) >= self.stalls_at:
            await asyncio.sleep(60)
        self.rendered.extend(batch.views)
        payload: asyncio.Future[list[EncodedView]] = asyncio.Future()
        payload.set_result([_square(view) for view in batch.views])
        return BatchResult("r0", payload, seconds=1.0)

    async def do(self, job: Job) -> None:
        log = JobLog(job.spec.log_path, job.job_id)
        cad = await self._rendering.load_cad(job, log)
        await self._rendering.render(job, cad, log)


def _square(view: int) -> EncodedView:
    mask = np.zeros((64, 64), dtype=bool)
    mask[16:48, 16 : 33 + view % 16] = True
    xyz = np.zeros((64, 64, 3), dtype=np.float16)
    return EncodedView(view, encode_rgb(np.zeros((64, 64, 3), dtype=np.uint8)), encode_mask(mask), encode_xyz(xyz), 0.5, int(mask.sum()))


@pytest.fixture
def servers(settings: Settings) -> Iterator[list[Server]]:
    """Servers that came one after another; a test adds them."""
    made: list[Server] = []
    yield made
    made[-1].store.close()


async def accepted(server: Server, tmp_path: Path, output: str) -> Job:
    spec = make_spec(str(tmp_path / output), str(tmp_path / "a.ply"), job_id=output, log_path=tmp_path / "log", resolution=64)
    job = started(Job(spec))
    await server.store.insert(record_of(job))
    return job


def started(job: Job) -> Job:
    """A job that has its slot."""
    job.progress.accept()
    job.progress.start()
    return job


def restarted(servers: list[Server], settings: Settings) -> Server:
    if servers:
        servers[-1].store.close()
    servers.append(Server(settings))
    return servers[-1]


async def test_a_job_of_an_earlier_server_without_a_view_of_its_own_is_copied_from_the_cache(
    tmp_path: Path, settings: Settings, servers: list[Server]
) -> None:
    server = restarted(servers, settings)
    await server.do(await accepted(server, tmp_path, "first"))
    assert sorted(server.rendered) == list(range(VIEWS))
    waiting = await accepted(server, tmp_path, "second")
    left = staging_path(waiting.spec.templates_dir, waiting.job_id)
    left.mkdir(parents=True)
    (left / "rgb_0.png").write_text("half of a view")

    later = restarted(servers, settings)
    again = started(Job(waiting.spec, recovered=True))
    await later.do(again)
    assert again.progress.cached and again.progress.published and later.rendered == []
    assert os.listdir(tmp_path / "second") == ["templates"] and len(os.listdir(again.spec.templates_dir)) == 3 * VIEWS + 1


async def test_a_job_of_an_earlier_server_goes_on_from_its_views(tmp_path: Path, settings: Settings, servers: list[Server]) -> None:
    server = restarted(servers, settings)
    server.stalls_at = 10
    job = await accepted(server, tmp_path, "out")
    task = asyncio.create_task(server.do(job))
    while len(job.progress.view_seconds) < 10:
        await asyncio.sleep(0.01)
    done = set(job.progress.view_seconds)
    job.progress.request_stop("put_back")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    later = restarted(servers, settings)
    again = started(Job(job.spec, recovered=True))
    await later.do(again)
    assert sorted(later.rendered) == sorted(set(range(VIEWS)) - done) and not again.progress.cached
    assert len(os.listdir(job.spec.templates_dir)) == 3 * VIEWS + 1 and os.listdir(tmp_path / "out") == ["templates"]


async def test_a_canceled_job_leaves_nothing(tmp_path: Path, settings: Settings, servers: list[Server]) -> None:
    server = restarted(servers, settings)
    server.stalls_at = 10
    job = await accepted(server, tmp_path, "out")
    task = asyncio.create_task(server.do(job))
    while len(job.progress.view_seconds) < 10:
        await asyncio.sleep(0.01)
    job.progress.request_stop("cancel")
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not job.progress.published and not (tmp_path / "out").exists()


async def test_a_job_that_is_canceled_again_and_again_while_a_view_is_written_leaves_nothing(
    tmp_path: Path, settings: Settings, servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    real = StagingFolder.write

    def slow(self: StagingFolder, name: str, data: bytes) -> None:
        begun.set()
        go_on.wait(10)
        self.folder.mkdir(parents=True, exist_ok=True)  # As another view's files would keep it.
        real(self, name, data)

    monkeypatch.setattr(StagingFolder, "write", slow)
    server = restarted(servers, settings)
    job = await accepted(server, tmp_path, "out")
    task = asyncio.create_task(server.do(job))
    await asyncio.to_thread(begun.wait, 10)
    job.progress.request_stop("cancel")
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0.01)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.1)  # Time for a write that nobody waited for.
    assert not (tmp_path / "out").exists()
