"""Does what a job is about: load the CAD, have its views rendered or copied, publish the files."""

from __future__ import annotations

import asyncio
import time

from serve_app.base import metrics
from serve_app.base.aio import run_to_end, to_thread_to_end
from serve_app.base.logs import JobLog
from serve_app.base.output_roots import OutputRoots
from serve_app.base.settings import Settings
from serve_app.cad.loader import CadLoader, LoadedCad
from serve_app.cad.report import cad_report
from serve_app.jobs.job import Job
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.store import JobStore
from serve_app.rendering.arranged import arrange, wanted_files
from serve_app.rendering.job_views import JobViews
from serve_app.rendering.key import rendering_key
from serve_app.rendering.live_views import LiveViews, LiveViewsOfJobs
from serve_app.rendering.mesh_file import model_beside, sam6d_cad, write_mesh
from serve_app.rendering.missed_bounds import missed_bounds
from serve_app.rendering.object_views import farthest_mm
from serve_app.rendering.prepared import PreparedJob
from serve_app.rendering.read_options import read_options_of
from serve_app.rendering.resume import open_staging, published_before, rendered_before
from serve_app.rendering.scene import poses_of, template_scene, warnings_of
from serve_app.rendering.scheduler import ViewScheduler
from serve_app.rendering.single_flight import Flight, SingleFlight
from serve_app.templates.cache import TemplateCache
from serve_app.templates.kept_manifests import KeptManifests
from serve_app.templates.layouts.registry import LAYOUTS
from serve_app.templates.places import places_of
from serve_app.templates.staging import StagingFolder
from serve_app.templates.views import RenderedViews


class JobRendering:
    """Renders jobs; knows nothing of slots, time limits of jobs and final states.

    Args:
        settings: of the service.
        store: remembers which views of a job are done.
        loader: reads CADs.
        scheduler: renders views.
        cache: of finished templates.
        quarantine: CADs that are refused.

    Attributes:
        live: views of the jobs that are being rendered.
    """

    def __init__(
        self, settings: Settings, store: JobStore, loader: CadLoader, scheduler: ViewScheduler, cache: TemplateCache, quarantine: Quarantine
    ) -> None:
        self._settings, self._store, self._loader, self._scheduler = settings, store, loader, scheduler
        self._cache, self._quarantine = cache, quarantine
        self._flights, self._roots = SingleFlight(), OutputRoots.of_server(settings)
        self._manifests = KeptManifests.of_server(settings)
        self.live = LiveViewsOfJobs()

    async def load_cad(self, job: Job, log: JobLog) -> LoadedCad:
        """Read a job's CAD.

        Args:
            job: that has its slot.
            log: the job's own.

        Raises:
            ServiceError: what a client is told.
        """
        began = time.monotonic()
        cad = await self._loader.load(job.spec.cad_path, await asyncio.to_thread(read_options_of, job.spec))
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
        prepared = await self._prepare(job, cad, log)
        staging = prepared.staging
        try:
            rendered = await to_thread_to_end(published_before, prepared, self._roots, self._manifests)
            if rendered is not None:
                _warn_of_missed_bounds(prepared, rendered)
                job.progress.views_done(rendered.seconds())
                job.progress.publish()
                return
            await open_staging(prepared, self._store)
            if (other := self._flights.holder(prepared.key)) is not None:
                log.event("info", "waits for a job that renders the same", key=prepared.key, other_job=other)
                job.progress.waiting_for = renders_the_same(other)
            with self.live.collecting(prepared) as live:
                async with self._flights.hold(prepared.key, job.job_id) as flight:
                    job.progress.waiting_for = None
                    rendered = await self._collect(prepared, flight, live)
                    _warn_of_missed_bounds(prepared, rendered)
                    await _publish(prepared, rendered, self._manifests)
                    flight.published(job.spec.templates_dir, rendered, staging.places, prepared.wanted)
        except BaseException as error:
            goes_on = isinstance(error, asyncio.CancelledError) and job.progress.stop_reason == "put_back"
            await to_thread_to_end(staging.leave if goes_on else staging.discard)
            raise

    async def _prepare(self, job: Job, cad: LoadedCad, log: JobLog) -> PreparedJob:
        spec = job.spec
        settings = self._settings
        vertices = (await cad.mesh).vertices if spec.request.camera is not None and spec.request.camera.crop is not None else None
        scene = await asyncio.to_thread(
            lambda: template_scene(
                spec, cad.corners, poses_of(spec), settings.samples, settings.max_samples, cad.unit, vertices, cad.diameter
            )
        )
        job.progress.cad = cad_report(cad, spec.cad_path, spec.request.unit) | {"sam6d_cad": sam6d_cad(spec)}
        _warn(job, log, warnings_of(spec, cad))
        job.progress.total_poses = len(scene.camera_poses)
        layout = LAYOUTS[spec.request.layout]
        wanted = wanted_files(spec.request, layout, lambda: farthest_mm(scene, cad.corners))
        places = places_of(layout, wanted.kinds, len(scene.camera_poses))
        staging = StagingFolder(self._roots, spec.templates_dir, job.job_id, spec.output_text, places)
        return PreparedJob(job, cad, scene, rendering_key(cad.key, scene), staging, log, wanted, layout)

    async def _collect(self, prepared: PreparedJob, flight: Flight, live: LiveViews) -> RenderedViews:
        """Fill the staging folder: by copying what is rendered already, or by rendering."""
        job, staging = prepared.job, prepared.staging
        done = RenderedViews()
        if flight.offers(prepared.wanted):
            await to_thread_to_end(staging.keep_only, set())  # An earlier server may have left views there.
        elif job.recovered:
            done = await rendered_before(prepared, self._store)
        if done.entries:
            prepared.log.event("info", "goes on from views of an earlier server", views=sorted(done.entries))
            job.progress.views_done(done.seconds())
        elif (copied := await self._copied(prepared, flight)) is not None:
            live.rendered = copied
            job.progress.cached = True
            job.progress.views_done(copied.seconds())
            return copied
        images = await self._cache.images(prepared.key)
        if images:
            prepared.log.event("info", "images of an earlier rendering are used again; only rays are cast", views=len(images))
        views = JobViews(prepared, done, self._store, self._quarantine, images)
        live.rendered = done  # From now on, each view as it comes.
        rendered = await views.render(self._scheduler, self._settings)
        await self._cache.insert(prepared.key, staging, rendered, prepared.wanted)
        return rendered

    async def _copied(self, prepared: PreparedJob, flight: Flight) -> RenderedViews | None:
        """The same templates from the cache, or from a job that has just published them."""
        rendered = await self._cache.fetch(prepared.key, prepared.staging, prepared.wanted)
        if rendered is not None:
            prepared.log.event("info", "copied from the cache", key=prepared.key)
            metrics.count_copy("hit", rendered.sizes().values())
            return rendered
        rendered = await flight.copy_into(prepared.staging, prepared.wanted)
        if rendered is not None:
            prepared.log.event("info", "copied from a job that rendered the same", key=prepared.key)
        metrics.count_copy("miss" if rendered is None else "shared", rendered.sizes().values() if rendered else ())
        return rendered


def renders_the_same(job_id: str) -> str:
    """What a job waits for while another one renders its views; clients read the id from it, to show how far that one is."""
    return f"job {job_id}, which renders the same"


def _warn_of_missed_bounds(prepared: PreparedJob, rendered: RenderedViews) -> None:
    """Tell the client which views are not as near to the converged image as the quality promises."""
    warnings = missed_bounds(prepared.job.spec.request.quality, rendered.qualities())
    _warn(prepared.job, prepared.log, warnings)


def _warn(job: Job, log: JobLog, warnings: list[str]) -> None:
    job.progress.warn(warnings)
    for warning in warnings:
        log.event("warning", "warning", text=warning)


async def _publish(prepared: PreparedJob, rendered: RenderedViews, kept: KeptManifests) -> None:
    """Write what belongs to the job as a whole and publish the folder; a stop that comes while the rename is made comes too late."""
    staging, progress = prepared.staging, prepared.job.progress
    sizes = await write_mesh(prepared) | await to_thread_to_end(arrange, prepared, rendered, kept)
    task = asyncio.ensure_future(asyncio.to_thread(staging.publish, sizes, model_beside=model_beside(prepared.job.spec)))
    try:
        await run_to_end(task)
    except asyncio.CancelledError:
        task.result()
        current = asyncio.current_task()
        if current is not None:
            current.uncancel()
    progress.warn(task.result())
    progress.publish()
