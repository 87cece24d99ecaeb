"""Finds jobs, live or stored."""

from __future__ import annotations

import asyncio
import dataclasses

from serve_app.base.errors import ServiceError
from serve_app.base.logs import log_path_of
from serve_app.base.settings import Settings
from serve_app.jobs.pages import JobPage, JobQuery
from serve_app.jobs.record import JobRecord, record_of
from serve_app.jobs.store import JobStore
from serve_app.service.runner import JobRunner


class JobFinder:
    """Looks jobs up.

    Args:
        settings: of the service.
        store: has all jobs.
        runner: knows what becomes of the live ones at this moment.
    """

    def __init__(self, settings: Settings, store: JobStore, runner: JobRunner) -> None:
        self._settings, self._store, self._runner = settings, store, runner

    async def record(self, job_id: str) -> JobRecord:
        """A job as it is at this moment; ``job_not_found`` when there is none."""
        job = self._runner.live(job_id)
        if job is not None and job.progress.phase not in ("arriving", "refused"):
            return record_of(job)
        stored = await self._store.get(job_id)
        if stored is None:
            raise ServiceError("job_not_found", "job not found", "job_id")
        return stored

    async def page(self, query: JobQuery) -> JobPage:
        """A page of the jobs, live ones with their progress of this moment; raises as ``JobStore.page``."""
        page = await self._store.page(query)
        records = [record_of(job) if (job := self._runner.live(record.job_id)) else record for record in page.records]
        return dataclasses.replace(page, records=records)

    async def log(self, job_id: str) -> str:
        """The text of a job's log."""
        await self.record(job_id)
        path = log_path_of(self._settings.log_dir, job_id)
        try:
            return await asyncio.to_thread(path.read_text, "utf-8")
        except OSError as error:
            raise ServiceError("not_found", f"the log of job {job_id!r} is not there any more", "job_id") from error
