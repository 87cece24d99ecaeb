"""The service without its HTTP: accepts requests, finds jobs, tells its state."""

from __future__ import annotations

import asyncio
import time

from serve_app.base.aio import spawn
from serve_app.base.errors import ServiceError
from serve_app.base.file_digests import FileDigests
from serve_app.base.logs import server_event
from serve_app.base.output_roots import OutputRoots
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.loader import CadLoader
from serve_app.jobs.job import Job, JobSpec
from serve_app.jobs.pages import JobPage, JobQuery
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.record import JobRecord, record_of
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.store import JobStore
from serve_app.rendering.job_rendering import JobRendering
from serve_app.rendering.readiness import WatchedRenderers
from serve_app.rendering.renderers import Renderers
from serve_app.rendering.scheduler import ViewScheduler
from serve_app.service.admission import Place, check_not_draining
from serve_app.service.cad_files import CadFiles
from serve_app.service.drain import drain_on_demand
from serve_app.service.finder import JobFinder
from serve_app.service.gauges import ServiceGauges
from serve_app.service.inspection import CadInspection
from serve_app.service.intake import Intake
from serve_app.service.kept_results import KeptResults
from serve_app.service.limits import SPARE_BATCHES, Limits
from serve_app.service.path_policy import PathPolicy
from serve_app.service.recovery import recover_jobs
from serve_app.service.request_hash import hash_of
from serve_app.service.results import JobResults
from serve_app.service.retention import keep_tidy
from serve_app.service.runner import JobRunner
from serve_app.service.slots import JobSlots
from serve_app.service.state import ServiceState
from serve_app.service.webhooks.deliveries import Webhooks
from serve_app.templates.cache import TemplateCache
from serve_app.uploads.resumable import ResumableUploads
from serve_app.uploads.store import UploadStore

_READY_RETRY_SEC = 5
"""About as long as a Blender takes to start."""


class RenderService:
    """All that the HTTP routes call.

    Args:
        settings: of the service.
        renderers: where views are rendered.
        max_renderers: how many there can be.
        min_renderers: how many are kept warm; with 0, the first job has one started.

    Attributes:
        inspection: looks at CADs without a job.
        results: what jobs have rendered.
        events: what happens to jobs.
        uploads: of clients; ``resumable`` receives those that come in pieces.
        kept_results: of jobs without an output folder.
    """

    def __init__(self, settings: Settings, renderers: Renderers, max_renderers: int, min_renderers: int = 1) -> None:
        self._settings, self._min_renderers = settings, min_renderers
        self._renderers = renderers = WatchedRenderers(renderers)
        self._began = time.monotonic()
        limits = Limits.for_renderers(max_renderers)
        self._store = JobStore(settings.data_dir)
        self._webhooks = Webhooks(settings, self._store)
        self._quarantine = Quarantine(self._store, settings.quarantine_sec)
        digests = FileDigests()
        self.uploads = UploadStore.of_server(settings, lambda upload_id: self._runner.jobs.need_upload(upload_id))
        self.resumable = ResumableUploads(self.uploads)
        self.kept_results = KeptResults(settings, self._store, lambda job_id: self._runner.live(job_id) is not None)
        self._intake = Intake(settings, self._quarantine, digests, self.uploads, self.kept_results)
        scheduler = ViewScheduler(
            renderers,
            limits.max_batches_in_flight,
            queued=SPARE_BATCHES,
            epoch=self._store.epoch,
            grace_sec=settings.cancel_grace_sec,
            renderer_ready=lambda: renderers.ready,
            more_to_come=lambda: self._runner.jobs.queued > 0,
        )
        # Twice the bound below which no job is accepted: the cache never closes the door.
        self._cache = TemplateCache(settings.data_dir / "cache", settings.cache_max_bytes, 2 * settings.min_free_bytes)
        cad_loader = CadLoader(CadLimits.from_settings(settings), settings.cad_cache_bytes, digests)
        self.inspection = CadInspection(CadFiles(PathPolicy(settings), self.uploads), cad_loader, self._quarantine)
        rendering = JobRendering(settings, self._store, cad_loader, scheduler, self._cache, self._quarantine)
        self._runner = JobRunner(settings, self._store, rendering, scheduler, JobSlots(limits))
        self._finder = JobFinder(settings, self._store, self._runner)
        self.results = JobResults(settings, self.job_record, rendering.live)
        self.events = self._runner.events
        self.events.on_finished = self._webhooks.wake
        self._gauges = ServiceGauges(settings, self._runner.jobs, self._cache, self.uploads, self.resumable, self.kept_results)
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take up what an earlier server left unfinished, and begin what goes on in the background."""
        await self._quarantine.load()
        began = time.monotonic()
        jobs = await recover_jobs(self._store, self._intake, OutputRoots.of_server(self._settings))
        if jobs:
            self._runner.pause_starts()
            for job in jobs:
                self._runner.recover(job)
            server_event("info", "jobs of an earlier server go on", jobs=len(jobs), seconds=round(time.monotonic() - began, 3))
            self._background.append(spawn(self._resume_when_idle()))
        tidying = (keep_tidy(self._settings, self._store, self._runner), self.uploads.keep_tidy(), self.kept_results.keep_tidy())
        draining = drain_on_demand(self._settings, self.drain)
        endless = (*tidying, draining, self._cache.keep_room(), self._renderers.watch(), self._webhooks.run())
        self._background += map(spawn, endless)

    async def _resume_when_idle(self) -> None:
        """Renderers may still work on what an ingress before this one gave them: no view is given out twice."""
        try:
            await self._renderers.wait_idle()
        finally:
            self._runner.resume_starts()

    def check_open(self) -> None:
        """Refuse any new job, whatever it is, while none is taken.

        Raises:
            ServiceError: ``draining`` or ``queue_full``.
        """
        self._runner.check_open()

    def check_not_draining(self) -> None:
        """Refuse what only a server that goes on can do (``draining``)."""
        check_not_draining(self._runner.draining)

    @property
    def is_ready(self) -> bool:
        """Whether a renderer is ready, as far as is known, or none is kept that could be waited for."""
        return not self._min_renderers or self._renderers.ready

    def check_ready(self) -> None:
        """Whether requests should be sent here; looks at what is known, and asks no renderer.

        A server that keeps no renderer warm is ready at once: it would wait for a renderer that only a job has started.

        Raises:
            ServiceError: ``draining``, or ``not_ready`` while no renderer is.
        """
        check_not_draining(self._runner.draining)
        if not self.is_ready:
            raise ServiceError(
                "not_ready",
                "no renderer is ready to render; jobs are accepted and wait for one; ask again in a moment, and see GET /api/v1/status for "
                "what each renderer does",
                retry_after_sec=_READY_RETRY_SEC,
            )

    async def accept(
        self,
        request: RenderRequest,
        group: str = "",
        *,
        job_id: str | None = None,
        request_key: str | None = None,
        request_id: str = "",
    ) -> Job | JobRecord:
        """Check a request and accept it as a job.

        Args:
            request: what to render.
            group: of the batch that it comes with; such jobs are not interactive unless they say so.
            job_id: an id that the client chose.
            request_key: a key that the client chose: the same key again is the same job.
            request_id: names the HTTP request in the logs of the job that it makes.

        Returns:
            The job; or the record of the job that an earlier request with this id or key began, when that has ended.

        Raises:
            ServiceError: the request cannot be served; nothing was accepted.
        """
        request = request.model_copy(update={"priority": request.priority or ("batch" if group else "interactive")})
        request_hash = hash_of(request, self.uploads)
        # First what is in memory, then, for an id or key alone, the store; then the queue. Nothing is looked up on any other disk for a
        # request that is refused at the door, and one that repeats an earlier request is answered as that, however full the queue is.
        earlier = await self._earlier(job_id, request_key, request_hash)
        if earlier is not None:
            return earlier
        self._runner.check_open()
        self._webhooks.check(request.callback_url)

        def look() -> tuple[JobSpec, tuple[Place, ...]]:
            spec = self._intake.resolve(request, group=group, job_id=job_id, request_hash=request_hash, request_id=request_id)
            return spec, self._intake.check(spec)

        spec, places = await asyncio.to_thread(look)
        if job_id is not None and (live := await self._live(job_id)) is not None:  # It came while this one was checked.
            return _same(job_id, live.spec.request_hash, request_hash, live)
        job = Job(spec)
        existing = await self._runner.submit(job, request_key, places)
        if existing is None:
            return job
        return _same(existing.job_id, existing.request_hash, request_hash, self._runner.live(existing.job_id) or existing)

    async def _earlier(self, job_id: str | None, request_key: str | None, request_hash: str) -> Job | JobRecord | None:
        """The job that an earlier request with this id or key began; None when there is none, or neither is given."""
        live_id = job_id or (self._runner.jobs.id_of_key(request_key) if request_key is not None else None)
        if live_id is not None and (live := await self._live(live_id)) is not None:
            return _same(live_id, live.spec.request_hash, request_hash, live)
        if job_id is not None:
            stored = await self._store.get(job_id)
        else:
            stored = await self._store.by_key(request_key) if request_key is not None else None
        if stored is None:
            return None
        return _same(stored.job_id, stored.request_hash, request_hash, self._runner.live(stored.job_id) or stored)

    async def _live(self, job_id: str) -> Job | None:
        """The live job of this id, once it is in the store; None when there is none, or it was refused."""
        while (live := self._runner.live(job_id)) is not None:
            if await live.progress.wait_decided():
                return live
        return None

    async def cancel(self, job_id: str) -> JobRecord:
        """Cancel a job; one that has ended stays as it is, so this can be repeated.

        Raises:
            ServiceError: ``job_not_found``, or ``store_unavailable``: it is stopped, but would run again after a restart.
        """
        job = await self._live(job_id)
        if job is not None:
            await self._runner.cancel(job)
            return record_of(job)
        return await self.job_record(job_id)

    async def drain(self) -> int | None:
        """Stop in good order; returns how many jobs go on when the server starts again, or None where an earlier call sees to it."""
        server_event("debug", "draining: no new jobs", jobs=len(self._runner.jobs))
        self.events.log.close()
        return await self._runner.drain(self._settings.drain_grace_sec)

    def close(self) -> None:
        """Give the data folder free for the next server; nothing may be asked of this one any more."""
        for task in self._background:
            task.cancel()
        self._store.close()

    async def job_record(self, job_id: str) -> JobRecord:
        """A job as it is at this moment; ``job_not_found`` when there is none."""
        return await self._finder.record(job_id)

    async def job_list(self, query: JobQuery) -> JobPage:
        """A page of the jobs, newest first; see ``JobFinder``."""
        return await self._finder.page(query)

    async def job_log(self, job_id: str) -> str:
        """The text of a job's log."""
        return await self._finder.log(job_id)

    async def measure(self) -> None:
        """Set the gauges of ``serve_app.base.metrics``."""
        self._gauges.measure(ready=self.is_ready and not self._runner.draining)

    async def state(self) -> ServiceState:
        """The service at this moment."""
        return ServiceState(
            renderers=await self._renderers.statuses(),
            jobs_queued=self._runner.jobs.queued,
            jobs_running=self._runner.jobs.running,
            draining=self._runner.draining,
            uptime_sec=time.monotonic() - self._began,
            cache_bytes=self._cache.bytes_used,
            cache_max_bytes=self._cache.max_bytes,
            cache_entries=len(self._cache),
        )


def _same(job_id: str, earlier_hash: str, request_hash: str, found: Job | JobRecord) -> Job | JobRecord:
    if earlier_hash != request_hash:
        raise ServiceError(
            "idempotency_conflict",
            f"job {job_id} was begun under this key or id with another request; use a new one for another request",
        )
    return found
