"""Does what a job is about: load the CAD, have its views rendered or copied, publish the files."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ray.exceptions import RayError

from render_actor.contract.cameras import camera_poses
from render_actor.contract.scene import TemplateScene, object_to_scene, poses_in_scene, sampling_for
from render_actor.contract.types import BatchResult, BlenderReport, EncodedView, Failure, ViewBatch
from serve_app.base.aio import run_to_end, to_thread_to_end
from serve_app.base.errors import ServiceError
from serve_app.base.logs import JobLog
from serve_app.base.settings import Settings
from serve_app.cad.loader import CadLoader, LoadedCad
from serve_app.jobs.job import Job
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.store import JobStore
from serve_app.rendering.key import rendering_key
from serve_app.rendering.manifest import manifest_json
from serve_app.rendering.pose_file import read_poses
from serve_app.rendering.scheduler import MOST_LOST_RENDERERS, PayloadLostError, ViewScheduler, ViewWork
from serve_app.rendering.single_flight import RenderingsInFlight
from serve_app.templates.cache import TemplateCache
from serve_app.templates.staging import MANIFEST, StagingFolder
from serve_app.templates.views import RenderedViews, check_files, files_of, view_entry


class JobRendering:
    """Renders jobs; knows nothing of queues, clocks and final states.

    Args:
        settings: of the service.
        store: remembers which views of a job are done.
        loader: reads CADs.
        scheduler: renders views.
        cache: of finished templates.
        quarantine: CADs that are refused.
    """

    def __init__(
        self, settings: Settings, store: JobStore, loader: CadLoader, scheduler: ViewScheduler, cache: TemplateCache, quarantine: Quarantine
    ) -> None:
        self._settings, self._store, self._loader, self._scheduler = settings, store, loader, scheduler
        self._cache, self._quarantine = cache, quarantine
        self._in_flight = RenderingsInFlight()

    async def load_cad(self, job: Job, log: JobLog) -> LoadedCad:
        """Read a job's CAD.

        Args:
            job: that has its slot.
            log: the job's own.

        Raises:
            ServiceError: what a client is told.
        """
        began = time.monotonic()
        cad = await self._loader.load(job.spec.cad_path)
        log.event("info", "CAD loaded", seconds=round(time.monotonic() - began, 3), sha256=cad.file_sha256, key=cad.key, **cad.statistics)
        self._quarantine.check(cad.file_sha256)
        return cad

    async def render(self, job: Job, cad: LoadedCad, log: JobLog) -> None:
        """Render a job and publish its files; when this raises, nothing was published and nothing is left.

        Cancelled for ``put_back`` it leaves the staging folder, and another call goes on from the views in it.

        Args:
            job: that has its slot.
            cad: the job's.
            log: the job's own.

        Raises:
            ServiceError: what a client is told.
        """
        job.progress.warnings = [text for text in cad.warnings if not (job.spec.request.unit == "m" and "looks like metres" in text)]
        scene = await asyncio.to_thread(self._scene, job, cad)
        for warning in job.progress.warnings:
            log.event("warning", "warning", text=warning)
        job.progress.total_poses = len(scene.camera_poses)
        key = rendering_key(cad.key, scene)

        staging = StagingFolder(job.spec.templates_dir, job.job_id, job.spec.request.output_dir)
        try:
            rendered = await to_thread_to_end(_published_before, job, staging)
            if rendered is None:
                await to_thread_to_end(staging.open)
                rendered = await self._templates(job, cad, scene, key, staging, log)
                job.progress.views_done(rendered.seconds())
                manifest = manifest_json(job, cad, scene, key, rendered)
                await to_thread_to_end(staging.write, MANIFEST, manifest)
                await _publish(staging, rendered.sizes() | {MANIFEST: len(manifest)})
            job.progress.views_done(rendered.seconds())
            job.progress.publish()
        except BaseException as error:
            if not (isinstance(error, asyncio.CancelledError) and job.progress.stop_reason == "put_back"):
                await to_thread_to_end(staging.discard)
            raise

    def _scene(self, job: Job, cad: LoadedCad) -> TemplateScene:
        request = job.spec.request
        if request.obj_axes == "blender" and job.spec.cad_path.suffix.lower() != ".obj":
            job.progress.warnings.append("obj_axes=blender changes .obj files only; ignored")
        axes = request.obj_axes if job.spec.cad_path.suffix.lower() == ".obj" else "cad"
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
            camera_poses=poses_in_scene(_poses(job)),
            xyz_scale=scale,
            base_color=request.base_color if request.colorize else None,
            sampling=sampling_for(request.quality, request.samples or self._settings.samples),
        )

    async def _templates(
        self, job: Job, cad: LoadedCad, scene: TemplateScene, key: str, staging: StagingFolder, log: JobLog
    ) -> RenderedViews:
        """Fill the staging folder: from a job that renders the same, from the cache, or by rendering."""
        while (shared := self._in_flight.get(key)) is not None:
            log.event("info", "waits for a job that renders the same", key=key)
            rendered = await shared.join(staging)
            if rendered is not None:
                job.progress.cached = True
                return rendered
        with self._in_flight.lead(key) as mine:
            done = await self._done_before(job, key, staging) if job.recovered else RenderedViews()
            cached = None if done.entries else await self._cache.fetch(key, staging)
            if cached is not None:
                job.progress.cached = True
                log.event("info", "copied from the cache", key=key)
            rendered = cached or await self._rendered(job, cad, scene, key, staging, done, log)
            if cached is None:
                await self._cache.insert(key, staging, rendered)
            await mine.give(staging, rendered)
        return rendered

    async def _rendered(
        self, job: Job, cad: LoadedCad, scene: TemplateScene, key: str, staging: StagingFolder, rendered: RenderedViews, log: JobLog
    ) -> RenderedViews:
        """Render what is not among the views that are done, and add it to them."""
        if rendered.entries:
            log.event("info", "goes on from views of an earlier server", views=sorted(rendered.entries))
        job.progress.views_done(rendered.seconds())

        def make_batch(views: tuple[int, ...], fence: int) -> ViewBatch:
            return ViewBatch(job.job_id, cad.key, cad.mesh, scene, views, fence, self._settings.view_timeout_sec)

        async def deliver(result: BatchResult) -> None:
            try:
                views: list[EncodedView] = await result.payload
            except RayError as error:
                raise PayloadLostError(str(error)) from error
            if result.mesh_seconds:
                log.event("info", "mesh loaded into Blender", renderer=result.renderer, seconds=round(result.mesh_seconds, 3))
            if result.printed:
                log.event("debug", "Blender printed", renderer=result.renderer, text=result.printed)
            entries = await to_thread_to_end(_write_views, staging, views, result.blender)
            versions = result.blender.versions if result.blender else {}
            try:
                await self._store.add_views(
                    job.job_id, key, [(entry["index"], {"entry": entry, "versions": versions}) for entry in entries]
                )
            except ServiceError as error:  # The files are there; only a restart would cost these views.
                log.event("warning", "views could not be stored", reason=error.detail)
            rendered.versions.update(versions)
            rendered.add(entries)
            job.progress.views_done({entry["index"]: entry["seconds"] for entry in entries})
            for entry in entries:
                log.event("info", "view rendered", view=entry["index"], seconds=round(entry["seconds"], 3), renderer=result.renderer)

        def on_failure(result: BatchResult, failure: Failure, views: tuple[int, ...]) -> None:
            event = "views are rendered again" if failure.worth_retrying else "views failed"
            cause = {"cause": failure.cause} if failure.cause else {}
            log.event("warning", event, views=list(views), code=failure.code, reason=failure.message, renderer=result.renderer, **cause)
            if result.printed:
                log.event("warning", "Blender printed", renderer=result.renderer, text=result.printed)

        count = len(scene.camera_poses)
        work = ViewWork(job.spec.group, count, make_batch, deliver, on_failure, job.spec.interactive, frozenset(rendered.entries))
        try:
            await self._scheduler.run(work)
        except ServiceError:
            if max(work.losses.values(), default=0) >= MOST_LOST_RENDERERS:
                await self._quarantine.add(cad.file_sha256, f"job {job.job_id} lost {MOST_LOST_RENDERERS} renderers on one of its views")
            raise
        return rendered

    async def _done_before(self, job: Job, key: str, staging: StagingFolder) -> RenderedViews:
        """Views that an earlier server has rendered of the same, whose files are whole; no other file stays."""
        stored = await self._store.views(job.job_id, key)
        rendered = RenderedViews()
        for view, content in stored.items():
            one = RenderedViews({view: content["entry"]})
            if await to_thread_to_end(staging.intact, one.hashes()):
                rendered.add([content["entry"]])
                rendered.versions.update(content["versions"])
        await to_thread_to_end(staging.keep_only, set(rendered.hashes()))
        return rendered


def _poses(job: Job) -> NDArray[np.float64]:
    request = job.spec.request
    if job.spec.poses_path is None or request.camera_poses_path is None:
        return camera_poses(request.level or 0)
    return read_poses(job.spec.poses_path, request.camera_poses_path)


def _write_views(staging: StagingFolder, views: list[EncodedView], blender: BlenderReport | None) -> list[dict[str, Any]]:
    for view in views:
        check_files(view)
        for name, data in files_of(view).items():
            staging.write(name, data)
    return [view_entry(view, blender) for view in views]


def _published_before(job: Job, staging: StagingFolder) -> RenderedViews | None:
    """What an earlier server published of this very job just before it ended."""
    if not job.recovered:
        return None
    try:
        manifest = json.loads((job.spec.templates_dir / MANIFEST).read_bytes())
        if manifest["job_id"] != job.job_id:
            return None
        rendered = RenderedViews.from_json({"entries": manifest["views"], "versions": manifest["versions"]})
        whole = staging.whole_at_target(rendered.hashes())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not whole:
        return None
    staging.discard()  # It holds the folder that this one replaced, if any.
    return rendered


async def _publish(staging: StagingFolder, files: dict[str, int]) -> None:
    """Publish; a stop that comes while the rename is made comes too late."""
    task = asyncio.ensure_future(asyncio.to_thread(staging.publish, files))
    try:
        await run_to_end(task)
    except asyncio.CancelledError:
        task.result()
        current = asyncio.current_task()
        if current is not None:
            current.uncancel()
