"""What does jobs in one server's life, with renderers that draw a square, and CADs that are only named."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from render_actor.contract.types import BatchResult, Failure, ViewBatch
from render_actor.contract.view_files import PackedView, RenderedView
from render_actor.contract.view_quality import ViewQuality
from render_actor.view.surface_maps import SurfaceMaps
from render_actor.view.traced import TracedView
from render_actor.view.view_output import ViewFailedError, ViewOutput
from serve_app.base.logs import JobLog
from serve_app.base.settings import Settings
from serve_app.cad.loader import LoadedCad
from serve_app.cad.read_options import ReadOptions
from serve_app.jobs.job import Job
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.record import record_of
from serve_app.jobs.store import JobStore
from serve_app.rendering.job_rendering import JobRendering
from serve_app.rendering.renderers import Told
from serve_app.rendering.scheduler import ViewScheduler
from serve_app.service.layout_request import completed
from serve_app.templates.cache import TemplateCache
from serve_app.templates.layouts.registry import published_folder
from tests.unit.serve_app.made import make_spec
from tests.unit.serve_app.rendering.fakes import until

VIEWS = 42


EVERYTHING = 3 * VIEWS + 1


USUAL = ViewQuality(12, 0.8, 1.25)


LOST = Failure("renderer_lost", "a renderer was lost", cause="said by Ray")


class Loader:
    async def load(self, path: Path, options: ReadOptions) -> LoadedCad:
        corners = np.array([[-1.0, -1, -1], [1, 1, 1]])
        mesh: asyncio.Future[Any] = asyncio.Future()
        mesh.set_result(SimpleNamespace(vertices=corners))
        return LoadedCad(path.name, path.name, mesh, corners, {}, (), 0, {}, diameter=20.0)


class Log:
    """A job's log in memory."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def event(self, level: str, event: str, /, **fields: Any) -> None:
        self.events.append((event, fields))

    def of(self, event: str) -> list[dict[str, Any]]:
        """The fields of every event of this name."""
        return [fields for name, fields in self.events if name == event]


class Server:
    """What does jobs in one server's life, and its renderers.

    Attributes:
        rendered: views in the order in which they were asked for.
        fetched: views whose files did not come through the sink.
        stalls_at: number of views after which renderers do not answer until ``go_on`` is set.
        fails: failures that the next batches with these views meet.
        spoiled: views whose files are no templates.
        qualities: of views, where it is not the usual one.
        renderer_ready: whether a renderer is known to be ready.
    """

    def __init__(self, settings: Settings) -> None:
        self.rendered: list[int] = []
        self.fetched: list[int] = []
        self.stalls_at, self.go_on = 10**6, asyncio.Event()
        self.fails: dict[int, list[Failure]] = {}
        self.spoiled: set[int] = set()
        self.qualities: dict[int, ViewQuality] = {}
        self.renderer_ready = True
        self.log = Log()
        self.store = JobStore(settings.data_dir)
        self.quarantine = Quarantine(self.store, 3600)
        scheduler = ViewScheduler(self, 2, epoch=self.store.epoch, grace_sec=0, renderer_ready=lambda: self.renderer_ready)
        cache = TemplateCache(settings.data_dir / "cache", settings.cache_max_bytes)
        self.rendering = JobRendering(settings, self.store, cast(Any, Loader()), scheduler, cache, self.quarantine)

    async def render(self, batch: ViewBatch, told: Told) -> BatchResult:
        if len(self.rendered) >= self.stalls_at:
            await self.go_on.wait()
        self.rendered.extend(batch.views)
        for view in batch.views:
            if self.fails.get(view):
                return BatchResult("r0", failure=self.fails[view].pop(), printed="Blender's words")
        with ViewOutput(batch) as output:
            try:
                for view in batch.views:
                    output.take(_square(view, self.qualities.get(view, USUAL), spoiled=view in self.spoiled))
                    (made,) = await asyncio.to_thread(output.finished)
                    told(dataclasses.replace(made.told, seconds=0.5, payload=made.files, renderer="r0"))
            except ViewFailedError as error:
                return BatchResult("r0", error.failure)
        return BatchResult("r0", seconds=1.0, sink_refused=output.refused)

    async def fetch(self, view: RenderedView) -> PackedView:
        self.fetched.append(view.view)
        files: PackedView = view.payload
        return files

    def all_taken(self, job: Job) -> bool:
        """Whether the renderers do not answer any more, and every view that they have rendered is done."""
        return len(self.rendered) >= self.stalls_at and set(self.rendered) == set(job.progress.view_seconds)

    async def do(self, job: Job) -> None:
        log = cast(JobLog, self.log)
        cad = await self.rendering.load_cad(job, log)
        await self.rendering.render(job, cad, log)


def _square(view: int, quality: ViewQuality, *, spoiled: bool) -> TracedView:
    mask = np.zeros((64, 64), dtype=bool)
    mask[16:48, 16 : 33 + view % 16] = True
    xyz = np.full((64, 64, 3), -1, dtype=np.float16)
    xyz[mask] = np.arange(3 * mask.sum()).reshape(-1, 3) % 100
    rgb = np.full((32 if spoiled else 64, 64, 3), view, dtype=np.uint8)
    normals = np.zeros((64, 64, 3), dtype=np.float32)
    normals[mask] = 0.0, 0.0, -1.0
    surface = SurfaceMaps(np.where(mask, np.float32(400 + view), np.float32(0)), normals)
    return TracedView(view, rgb, mask, xyz, 0.5, quality, surface)


async def accepted(server: Server, tmp_path: Path, output: str, **options: Any) -> Job:
    """A job that has its slot; ``options`` are the request's, resolved as the intake does."""
    size: dict[str, Any] = {} if "layout" in options else {"resolution": 64}
    spec = make_spec(str(tmp_path / output), str(tmp_path / "a.ply"), job_id=output, log_path=tmp_path / "log", **size, **options)
    request = completed(spec.request, spec.cad_path)
    folder = published_folder(request.layout, request.object_id)
    job = started(Job(dataclasses.replace(spec, request=request, folder=folder)))
    await server.store.insert(record_of(job))
    return job


def started(job: Job) -> Job:
    """A job that has its slot."""
    job.progress.accept()
    job.progress.start()
    return job


async def put_back(server: Server, job: Job) -> set[int]:
    """Have a job rendered until its renderers stall, and stop it so that a later server goes on; the views that are done."""
    task = asyncio.create_task(server.do(job))
    await until(lambda: server.all_taken(job))
    job.progress.request_stop("put_back")
    task.cancel()
    await asyncio.wait({task})
    return set(job.progress.view_seconds)


def restarted(servers: list[Server], settings: Settings) -> Server:
    if servers:
        servers[-1].store.close()
    servers.append(Server(settings))
    return servers[-1]


def files_of(job: Job) -> int:
    return len(os.listdir(job.spec.templates_dir))
