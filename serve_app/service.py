"""The service without its HTTP: accepts requests, finds jobs, tells its state."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from pydantic import ValidationError

from serve_app.cad.loader import CadLoader
from serve_app.errors import ServiceError
from serve_app.job import Job, new_job_id
from serve_app.job_runner import JobRunner, log_path_of
from serve_app.job_store import JobStore
from serve_app.logs import server_event
from serve_app.paths import PathPolicy
from serve_app.renderers import Renderers
from serve_app.requests import RenderRequest
from serve_app.responses import ErrorBody, JobList, JobRecord, MachineInfo, RendererInfo, ServerStatus
from serve_app.scheduler import ViewScheduler
from serve_app.settings import Settings
from serve_app.staging import check_replaceable, staging_path
from serve_app.validation import validation_error

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
        scheduler = ViewScheduler(renderers.render, max_renderers + SPARE_BATCHES)
        self._runner = JobRunner(settings, self._store, CadLoader(settings), scheduler)

    async def start(self) -> None:
        """Settle what an earlier server left unfinished."""
        error = ServiceError("server_restarted", "the server was stopped before this job ended; send the request again")
        records = await self._store.fail_unfinished(error)
        for record in records:
            await asyncio.to_thread(shutil.rmtree, staging_path(Path(record.templates_dir), record.job_id), ignore_errors=True)
        if records:
            server_event("warning", "jobs of an earlier server marked as failed", jobs=len(records))

    async def accept(self, request: RenderRequest, group: str = "") -> Job:
        """Check a request and accept it as a job.

        Raises:
            ServiceError: the request cannot be served; nothing was accepted.
        """
        job = await asyncio.to_thread(self._checked, request, group)
        await self._runner.submit(job)
        return job

    def _checked(self, request: RenderRequest, group: str) -> Job:
        cad_path, output_dir = self._policy.cad(request.cad_path), self._policy.output(request.output_dir)
        if request.camera_poses_path is not None:
            self._policy.poses(request.camera_poses_path)
        if not request.templates_subfolder and self._policy.is_output_root(output_dir):
            raise ServiceError(
                "output_not_replaceable",
                f"output_dir {request.output_dir!r} is itself one of RENDER_OUTPUT_ROOTS; name a folder below it, or leave "
                "templates_subfolder true",
                "output_dir",
            )
        job_id = new_job_id()
        job = Job(request, cad_path, output_dir, log_path_of(self._settings.log_dir, job_id), job_id, group)
        check_replaceable(job.templates_dir, request.output_dir)
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
        record = job.record() if job else await self._store.get(job_id)
        if record is None:
            raise ServiceError("job_not_found", f"there is no job {job_id!r}; GET /jobs lists them", "job_id")
        return record

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
                    error=ErrorBody(detail=status.failure.message, code=status.failure.code, field=None) if status.failure else None,
                )
                for status in sorted(statuses, key=lambda status: status.renderer)
            ],
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
