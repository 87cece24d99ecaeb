"""Takes an accepted job through its life: load the CAD, render the views, publish the files."""

from __future__ import annotations

import asyncio
import contextvars
import time
import traceback
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ray.exceptions import RayError

from render_actor.cameras import camera_poses
from render_actor.scene import TemplateScene, object_to_scene, poses_in_scene, sampling_for
from render_actor.types import BatchResult, BlenderReport, EncodedView, Failure, ViewBatch
from serve_app.cad.loader import CadLoader, LoadedCad
from serve_app.errors import ServiceError
from serve_app.job import Job
from serve_app.job_store import JobStore
from serve_app.logs import JobLog
from serve_app.manifest import files_of, manifest_json, view_entry
from serve_app.paths import PathPolicy
from serve_app.pose_file import read_poses
from serve_app.requests import RenderRequest
from serve_app.scheduler import PayloadLostError, ViewScheduler, ViewWork
from serve_app.settings import Settings
from serve_app.staging import MANIFEST, StagingFolder

JOBS_OF_A_GROUP = 2
"""Jobs of one batch that are prepared or rendered at a time: one that renders, and the next one's CAD being read."""


@dataclass
class _Progress:
    """What a running job has gathered so far."""

    entries: dict[int, dict[str, Any]] = field(default_factory=dict)
    blenders: dict[str, BlenderReport] = field(default_factory=dict)


class JobRunner:
    """Runs jobs in the background and remembers the live ones.

    Args:
        settings: of the service.
        store: every change of a job's state goes there.
        loader: reads CADs.
        scheduler: renders views.
    """

    def __init__(self, settings: Settings, store: JobStore, loader: CadLoader, scheduler: ViewScheduler) -> None:
        self._settings, self._store, self._loader, self._scheduler = settings, store, loader, scheduler
        self._policy = PathPolicy(settings)
        self._live: dict[str, Job] = {}
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(JOBS_OF_A_GROUP))
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, job: Job) -> None:
        """Accept a job: on disk when this returns, and running soon after."""
        self._live[job.job_id] = job
        # Not in the context of the request, which Serve cancels when its client hangs up: from here on the job is a job.
        task = asyncio.get_running_loop().create_task(self._run(job), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await job.accepted.wait()
        if not job.stored:
            raise job.error or ServiceError("internal_error", "the job could not be stored")

    def live(self, job_id: str) -> Job | None:
        """A job that has not ended, or has just."""
        return self._live.get(job_id)

    def live_jobs(self) -> list[Job]:
        """All jobs that have not ended."""
        return list(self._live.values())

    async def _run(self, job: Job) -> None:
        log = JobLog(job.log_path, job.job_id)
        try:
            await self._store.put(job.record())
            job.stored = True
            job.accepted.set()
            await self._run_stored(job, log)
        except ServiceError as error:
            self._fail(job, log, error)
        except Exception as error:
            log.event("error", "unexpected error", cause=traceback.format_exc())
            self._fail(job, log, ServiceError("internal_error", f"the job failed unexpectedly: {type(error).__name__}: {error}"))
        try:
            if job.stored:
                await self._store.put(job.record())
        except Exception:
            log.event("error", "the job's end could not be stored", cause=traceback.format_exc())
        finally:
            self._live.pop(job.job_id, None)
            if not any(other.group == job.group for other in self._live.values()):
                self._turns.pop(job.group, None)
            job.accepted.set()
            job.done.set()

    async def _run_stored(self, job: Job, log: JobLog) -> None:
        options = job.request.model_dump(exclude={"cad_path", "output_dir"})
        log.event("info", "job accepted", cad_path=job.request.cad_path, output_dir=job.request.output_dir, options=options)
        async with self._turns[job.group]:
            job.move_to("running")
            await self._store.put(job.record())
            await self._render(job, log)
        job.move_to("succeeded")
        log.event("info", "job succeeded", templates=str(job.templates_dir), views=len(job.view_seconds))

    @staticmethod
    def _fail(job: Job, log: JobLog, error: ServiceError) -> None:
        job.move_to("failed", error)
        cause = {"cause": repr(error.__cause__)} if error.__cause__ else {}
        log.event("error", "job failed", code=error.code, detail=error.detail, field=error.field, **cause)

    async def _render(self, job: Job, log: JobLog) -> None:
        began = time.monotonic()
        cad = await self._loader.load(job.cad_path)
        log.event("info", "CAD loaded", seconds=round(time.monotonic() - began, 3), sha256=cad.file_sha256, key=cad.key, **cad.statistics)
        for warning in cad.warnings:
            if not (job.request.unit == "m" and "looks like metres" in warning):
                job.warnings.append(warning)
        scene = await asyncio.to_thread(self._scene, job, cad)
        for warning in job.warnings:
            log.event("warning", "warning", text=warning)
        job.total_poses = len(scene.camera_poses)

        staging = StagingFolder(job.templates_dir, job.job_id, job.request.output_dir)
        await asyncio.to_thread(staging.open)
        progress = _Progress()
        try:
            await self._scheduler.run(self._work(job, cad, scene, staging, progress, log))
            manifest = manifest_json(job, cad, scene, progress.entries, list(progress.blenders.values()))
            await asyncio.to_thread(staging.write, MANIFEST, manifest)
            await asyncio.to_thread(staging.publish)
        except BaseException:
            await asyncio.to_thread(staging.discard)
            raise

    def _scene(self, job: Job, cad: LoadedCad) -> TemplateScene:
        request = job.request
        if request.obj_axes == "blender" and job.cad_path.suffix.lower() != ".obj":
            job.warnings.append("obj_axes=blender changes .obj files only; ignored")
        axes = request.obj_axes if job.cad_path.suffix.lower() == ".obj" else "cad"
        scale = 1000.0 if request.unit == "m" else 1.0
        largest = float(np.abs(cad.corners).max()) * scale
        if largest > np.finfo(np.float16).max:
            raise ServiceError(
                "cad_invalid",
                f"coordinates reach {largest:.4g} mm, more than the xyz format holds (65504); check unit, or move the CAD to its origin",
                "unit",
            )
        return TemplateScene(
            resolution=request.resolution,
            object_to_scene=object_to_scene(cad.corners, normalize=request.normalize, recenter=request.recenter, axes=axes),
            camera_poses=poses_in_scene(self._poses(request)),
            xyz_scale=scale,
            base_color=request.base_color if request.colorize else None,
            sampling=sampling_for(request.quality, request.samples or self._settings.samples),
        )

    def _poses(self, request: RenderRequest) -> NDArray[np.float64]:
        if request.camera_poses_path is None:
            return camera_poses(request.level or 0)
        return read_poses(self._policy.poses(request.camera_poses_path), request.camera_poses_path)

    def _work(self, job: Job, cad: LoadedCad, scene: TemplateScene, staging: StagingFolder, progress: _Progress, log: JobLog) -> ViewWork:
        def make_batch(views: tuple[int, ...]) -> ViewBatch:
            return ViewBatch(job.job_id, cad.key, cad.mesh, scene, views)

        async def deliver(result: BatchResult) -> None:
            try:
                views: list[EncodedView] = await result.payload
            except RayError as error:
                raise PayloadLostError(str(error).splitlines()[0]) from error
            if result.blender is not None:
                progress.blenders[result.renderer] = result.blender
            if result.mesh_seconds:
                log.event("info", "mesh loaded into Blender", renderer=result.renderer, seconds=round(result.mesh_seconds, 3))
            if result.printed:
                log.event("debug", "Blender printed", renderer=result.renderer, text=result.printed)
            entries = await asyncio.to_thread(_write_views, staging, views)
            for view, entry in zip(views, entries, strict=True):
                progress.entries[view.view] = entry
                job.view_seconds[view.view] = view.seconds
                log.event("info", "view rendered", view=view.view, seconds=round(view.seconds, 3), renderer=result.renderer)

        def on_failure(result: BatchResult, failure: Failure, views: tuple[int, ...]) -> None:
            event = "views are rendered again" if failure.worth_retrying else "views failed"
            log.event("warning", event, views=list(views), code=failure.code, reason=failure.message, renderer=result.renderer)
            if result.printed:
                log.event("warning", "Blender printed", renderer=result.renderer, text=result.printed)

        return ViewWork(job.group, len(scene.camera_poses), make_batch, deliver, on_failure)


def _write_views(staging: StagingFolder, views: list[EncodedView]) -> list[dict[str, Any]]:
    for view in views:
        for name, data in files_of(view).items():
            staging.write(name, data)
    return [view_entry(view) for view in views]


def log_path_of(folder: Path, job_id: str) -> Path:
    """``logs/<job_id>.log`` with links resolved."""
    return folder.resolve() / f"{job_id}.log"
