"""The service without its HTTP: accepts requests, finds jobs, tells its state."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import hashlib
import os
import shutil
import time
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from pydantic import ValidationError

from serve_app.base.disk import check_room
from serve_app.base.errors import ServiceError
from serve_app.base.file_digests import FileDigests
from serve_app.base.logs import log_path_of, server_event
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.loader import LARGE_BYTES, CadLoader, size_of
from serve_app.http.responses import ErrorBody, JobList, JobRecord, MachineInfo, RendererInfo, ServerStatus
from serve_app.http.validation import validation_error
from serve_app.jobs.job import Job, failed_record, new_job_id
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.states import checked_job_move
from serve_app.jobs.store import JobStore, StoredJob
from serve_app.rendering.job_rendering import JobRendering
from serve_app.rendering.renderers import Renderers
from serve_app.rendering.scheduler import ViewScheduler
from serve_app.service.disk_need import disk_need
from serve_app.service.drain import drain_on_demand
from serve_app.service.path_policy import PathPolicy
from serve_app.service.retention import keep_tidy
from serve_app.service.runner import JobRunner, refusal_to_resume
from serve_app.service.slots import JobTurns
from serve_app.templates.cache import TemplateCache
from serve_app.templates.staging import check_replaceable, staging_path

SPARE_BATCHES = 2
"""View batches in flight beyond one a renderer: they are the queue that the autoscaler sees."""


class RenderService:
    """All that the HTTP routes call.

    Args:
        settings: of the service.
        renderers: where views are rendered.
        max_renderers: how many there can be.
    """

    def __init__(self, settings: Settings, renderers: Renderers, max_renderers: int) -> None:
        self._settings, self._renderers = settings, renderers
        self._began = time.monotonic()
        self._policy = PathPolicy(settings)
        self._store = JobStore(settings.data_dir)
        self._quarantine = Quarantine(self._store, settings.quarantine_sec)
        scheduler = ViewScheduler(
            renderers.render, max_renderers + SPARE_BATCHES, epoch=self._store.epoch, grace_sec=settings.cancel_grace_sec
        )
        # Twice the bound below which no job is accepted: the cache never closes the door.
        self._cache = TemplateCache(settings.data_dir / "cache", settings.cache_max_bytes, 2 * settings.min_free_bytes)
        self._digests = FileDigests()
        cad_loader = CadLoader(CadLimits.from_settings(settings), settings.cad_cache_bytes, self._digests)
        rendering = JobRendering(settings, self._store, cad_loader, scheduler, self._cache, self._quarantine)
        self._runner = JobRunner(settings, self._store, rendering, scheduler, JobTurns(max_renderers))
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take up what an earlier server left unfinished, and begin what goes on in the background."""
        await self._quarantine.load()
        jobs = [job for stored in await self._store.unfinished() if (job := await self._taken_up(stored)) is not None]
        if jobs:
            server_event("warning", "jobs of an earlier server go on", jobs=len(jobs))
            self._runner.hold()
            for job in jobs:
                self._runner.take_over(job)
            self._background.append(asyncio.create_task(self._release_when_quiet(), context=contextvars.Context()))
        tidying, draining = keep_tidy(self._settings, self._store, self._runner), drain_on_demand(self._settings, self.drain)
        for keep_doing in (tidying, draining, self._cache.keep_room()):
            self._background.append(asyncio.create_task(keep_doing, context=contextvars.Context()))

    async def _release_when_quiet(self) -> None:
        """Renderers may still work on what an ingress before this one gave them: no view is given out twice."""
        try:
            await self._renderers.quiet()
        finally:
            self._runner.release()

    async def _taken_up(self, stored: StoredJob) -> Job | None:
        """The job of an earlier server as one of this server's; None when it cannot go on, and has failed."""
        record = stored.record
        error = refusal_to_resume(stored)
        if error is None:
            try:
                request = RenderRequest(cad_path=record.cad_path, output_dir=record.output_dir, **record.options)
                job = await asyncio.to_thread(self._job, request, stored.group, record.job_id)
            except ServiceError as refused:
                error = refused
            except (ValidationError, TypeError):
                error = ServiceError("server_restarted", "an earlier version of the server accepted this job; send the request again")
        if error is not None:
            await asyncio.to_thread(shutil.rmtree, staging_path(Path(record.templates_dir), record.job_id), ignore_errors=True)
            await self._store.update(failed_record(record, error))
            return None
        job.created_at = datetime.fromisoformat(record.created_at).timestamp()
        job.started_at = datetime.fromisoformat(record.started_at).timestamp() if record.started_at else None
        job.earlier_seconds = record.elapsed_sec or 0.0
        job.resumed = stored.resumed + (record.status == "running")
        job.request_hash = stored.request_hash
        if record.status == "running":
            checked_job_move(job.job_id, "running", job.status)
            await self._store.update(job.record(), job.resumed)
        return job

    async def accept(
        self, request: RenderRequest, group: str = "", *, job_id: str | None = None, request_key: str | None = None
    ) -> Job | JobRecord:
        """Check a request and accept it as a job.

        Args:
            request: what to render.
            group: of the batch that it comes with; such jobs are not urgent unless they say so.
            job_id: an id that the client chose.
            request_key: a key that the client chose: the same key again is the same job.

        Returns:
            The job; or the record of the job that an earlier request with this id or key began, when that has ended.

        Raises:
            ServiceError: the request cannot be served; nothing was accepted.
        """
        request = request.model_copy(update={"priority": request.priority or ("batch" if group else "interactive")})
        request_hash = hashlib.sha256(request.model_dump_json().encode()).hexdigest()
        if job_id is not None or request_key is not None:
            known = await self._earlier(job_id, request_key, request_hash)
            if known is not None:
                return known
        job = await asyncio.to_thread(self._checked, request, group, job_id)
        job.request_hash = request_hash
        if job_id is not None and (live := await self._live(job_id)) is not None:  # It came while this one was checked.
            return self._same(job_id, live.request_hash, request_hash, live)
        existing = await self._runner.submit(job, request_key)
        if existing is None:
            return job
        live = self._runner.live(existing.record.job_id)
        return self._same(existing.record.job_id, existing.request_hash, request_hash, live or existing.record)

    async def _earlier(self, job_id: str | None, request_key: str | None, request_hash: str) -> Job | JobRecord | None:
        if job_id is not None and (live := await self._live(job_id)) is not None:
            return self._same(job_id, live.request_hash, request_hash, live)
        stored = await (self._store.get(job_id) if job_id is not None else self._store.by_key(request_key or ""))
        if stored is None:
            return None
        found = self._runner.live(stored.record.job_id) or stored.record
        return self._same(stored.record.job_id, stored.request_hash, request_hash, found)

    async def _live(self, job_id: str) -> Job | None:
        """The live job of this id, once it is on disk; None when there is none, or it was refused."""
        while (live := self._runner.live(job_id)) is not None:
            await live.accepted.wait()
            if live.stored:
                return live
        return None

    @staticmethod
    def _same(job_id: str, earlier_hash: str, request_hash: str, found: Job | JobRecord) -> Job | JobRecord:
        if earlier_hash != request_hash:
            raise ServiceError(
                "idempotency_conflict",
                f"job {job_id} was begun under this key or id with another request; use a new one for another request",
            )
        return found

    async def cancel(self, job_id: str) -> JobRecord:
        """Cancel a job; one that has ended stays as it is, so this can be repeated."""
        job = await self._live(job_id)
        if job is not None:
            await self._runner.cancel(job)
            return job.record()
        return await self.job_record(job_id)

    async def drain(self) -> None:
        """Stop in good order; what has not ended goes on when the server starts again."""
        server_event("warning", "draining: no new jobs", jobs=len(self._runner.live_jobs()))
        await self._runner.drain(self._settings.drain_grace_sec)
        server_event("warning", "drained")

    def _checked(self, request: RenderRequest, group: str, job_id: str | None) -> Job:
        """A new job, if there is room for it and its CAD is not refused."""
        job = self._job(request, group, job_id)
        check_room(job, self._runner.live_jobs(), self._settings.data_dir, self._settings.min_free_bytes)
        if not self._quarantine.empty:
            # At the door only where it takes no time to speak of; every CAD is looked at again when it has been read.
            with contextlib.suppress(OSError, ValueError):
                self._quarantine.check(self._digests.sha256(job.cad_path, LARGE_BYTES))
        return job

    def _job(self, request: RenderRequest, group: str, job_id: str | None) -> Job:
        cad_path, output_dir = self._policy.cad(request.cad_path), self._policy.output(request.output_dir)
        poses = self._policy.poses(request.camera_poses_path) if request.camera_poses_path is not None else None
        if not request.templates_subfolder and self._policy.is_output_root(output_dir):
            raise ServiceError(
                "output_not_replaceable",
                f"output_dir {request.output_dir!r} is itself one of RENDER_OUTPUT_ROOTS; name a folder below it, or leave "
                "templates_subfolder true",
                "output_dir",
            )
        job_id = job_id or new_job_id()
        job = Job(request, cad_path, output_dir, log_path_of(self._settings.log_dir, job_id), job_id, group)
        job.urgent = request.priority != "batch"
        job.large = size_of(cad_path) > LARGE_BYTES
        check_replaceable(job.templates_dir, request.output_dir)
        job.need = disk_need(request, poses, job.templates_dir)
        return job

    def item_request(self, item: dict[str, Any], defaults: dict[str, Any]) -> RenderRequest:
        """A batch's item over the batch's defaults.

        Raises:
            ServiceError: ``validation_error`` that names the field.
        """
        try:
            return RenderRequest.model_validate({**defaults, **item})
        except ValidationError as error:
            raise validation_error(error.errors()) from error

    def check_batch_size(self, count: int) -> None:
        """Refuse a batch with too many items."""
        if count > self._settings.max_batch_items:
            raise ServiceError(
                "validation_error",
                f"items has {count} entries, more than {self._settings.max_batch_items} (RENDER_MAX_BATCH_ITEMS); send several requests",
                "items",
            )

    async def job_record(self, job_id: str) -> JobRecord:
        """A job's record; ``job_not_found`` when there is none."""
        job = self._runner.live(job_id)
        if job is not None and job.stored:
            return job.record()
        stored = await self._store.get(job_id)
        if stored is None:
            raise ServiceError("job_not_found", f"there is no job {job_id!r}; GET /jobs lists them", "job_id")
        return stored.record

    async def job_list(self, status: str | None, limit: int) -> JobList:
        """The newest jobs; running ones with their progress of this moment."""
        records, total = await self._store.newest(status, limit)
        live = {record.job_id: self._runner.live(record.job_id) for record in records}
        return JobList(jobs=[job.record() if (job := live[record.job_id]) else record for record in records], total=total)

    async def job_log(self, job_id: str) -> str:
        """The text of a job's log."""
        await self.job_record(job_id)
        path = log_path_of(self._settings.log_dir, job_id)
        try:
            return await asyncio.to_thread(path.read_text, "utf-8")
        except FileNotFoundError as error:
            raise ServiceError("not_found", f"the log of job {job_id!r} is not there any more", "job_id") from error

    async def status(self) -> ServerStatus:
        """The state of the server, its renderers and its machine."""
        statuses = await self._renderers.statuses()
        jobs = self._runner.live_jobs()
        return ServerStatus(
            renderer_ready=any(status.state in ("ready", "busy") for status in statuses),
            uptime=time.monotonic() - self._began,
            version=version("render-server"),
            renderers=[
                RendererInfo(
                    id=status.renderer,
                    state=status.state,
                    device=status.report.device if status.report else None,
                    node=status.node,
                    pid=status.report.pid if status.report else None,
                    cores=list(status.report.cores) if status.report else [],
                    memory_bytes=status.memory_bytes,
                    start_seconds=status.report.start_seconds if status.report else None,
                    restarts=status.restarts,
                    recycled=status.recycled,
                    error=ErrorBody(detail=status.failure.message, code=status.failure.code, field=None) if status.failure else None,
                )
                for status in sorted(statuses, key=lambda status: status.renderer)
            ],
            draining=self._runner.draining,
            jobs_queued=sum(job.status == "queued" for job in jobs),
            jobs_running=sum(job.status == "running" for job in jobs),
            machine=await asyncio.to_thread(self._machine),
        )

    def _machine(self) -> MachineInfo:
        memory = psutil.virtual_memory()
        roots = [root for root in self._settings.resolved_output_roots if root.is_dir()]
        return MachineInfo(
            cpu_count=os.cpu_count() or 1,
            cpu_percent=psutil.cpu_percent(),
            memory_total_bytes=memory.total,
            memory_available_bytes=memory.available,
            disk_free_bytes={str(root): psutil.disk_usage(str(root)).free for root in roots},
        )
