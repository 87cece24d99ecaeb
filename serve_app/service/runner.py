"""Takes an accepted job through its life: its turn, its rendering, its end, and the clocks over all of that."""

from __future__ import annotations

import asyncio
import contextvars
import traceback
from collections.abc import Coroutine
from typing import Any

from serve_app.base.errors import ServiceError
from serve_app.base.logs import JobLog
from serve_app.base.settings import Settings
from serve_app.jobs.job import Job
from serve_app.jobs.store import JobStore, StoredJob
from serve_app.rendering.job_rendering import JobRendering
from serve_app.rendering.scheduler import ViewScheduler
from serve_app.service.admission import check_output, check_queue
from serve_app.service.slots import CadRead, JobTurns

MOST_RESUMES = 10
"""A job that so many servers began, none of which rendered a view of it, may be what ends them."""

_STORE_RETRY_SEC = (0.5, 1, 2, 5, 10)


class JobRunner:
    """Runs jobs in the background and remembers the live ones.

    Args:
        settings: of the service.
        store: every change of a job's state goes there.
        rendering: does the work.
        scheduler: stopped when the server drains.
        turns: who may run.
    """

    def __init__(self, settings: Settings, store: JobStore, rendering: JobRendering, scheduler: ViewScheduler, turns: JobTurns) -> None:
        self._settings, self._store, self._rendering, self._scheduler, self._turns = settings, store, rendering, scheduler, turns
        self._live: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._seconds_a_job = 5.0
        self._draining = False
        self._may_start = asyncio.Event()
        self._may_start.set()

    def live(self, job_id: str) -> Job | None:
        """A job that has not ended, or has just."""
        return self._live.get(job_id)

    def live_jobs(self) -> list[Job]:
        """All jobs that have not ended."""
        return list(self._live.values())

    def hold(self) -> None:
        """Accept jobs but start none until ``release``."""
        self._may_start.clear()

    def release(self) -> None:
        """Let the accepted jobs start."""
        self._may_start.set()

    async def submit(self, job: Job, request_key: str | None = None) -> StoredJob | None:
        """Accept a job: on disk when this returns, and running soon after.

        Args:
            job: new.
            request_key: a key that the client chose for it.

        Returns:
            None, or the job that already has this id or key; this one was not accepted then.

        Raises:
            ServiceError: there is no room for it, or it could not be stored; nothing was accepted.
        """
        if self._draining:
            raise ServiceError(
                "draining", "the server is stopping and takes no new jobs; send the request again in a moment", retry_after_sec=15
            )
        check_queue(self._live.values(), self._settings.max_queued_jobs, self._seconds_a_job)
        check_output(job, self._live.values())
        self._live[job.job_id] = job
        # Not in the context of the request, which Serve cancels when its client hangs up: from here on the job is a job.
        accepting = self._start(self._accept(job, request_key))
        return await asyncio.shield(accepting)

    async def _accept(self, job: Job, request_key: str | None) -> StoredJob | None:
        try:
            existing = await self._store.insert(job.record(), job.group, request_key, job.request_hash)
        except BaseException:
            self._forget(job)
            raise
        if existing is not None:
            self._forget(job)
            return existing
        job.stored = True
        job.accepted.set()
        self._go(job)
        return None

    def take_over(self, job: Job) -> None:
        """Go on with a job that an earlier server accepted; its record says that it is queued."""
        job.stored = job.taken_over = True
        job.accepted.set()
        self._live[job.job_id] = job
        self._go(job)

    def _go(self, job: Job) -> None:
        self._start(self._whole_life(job))

    def _start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _forget(self, job: Job) -> None:
        self._live.pop(job.job_id, None)
        job.accepted.set()
        job.done.set()

    async def _whole_life(self, job: Job) -> None:
        log = JobLog(job.log_path, job.job_id)
        options = job.request.model_dump(exclude={"cad_path", "output_dir"})
        event = "job taken over from an earlier server" if job.taken_over else "job accepted"
        log.event("info", event, cad_path=job.request.cad_path, output_dir=job.request.output_dir, options=options)
        error: ServiceError | None = None
        try:
            # A task of its own, for others to cancel: this one sees the job to its end.
            job.work = self._start(self._run(job, log))
            if job.stop_for is not None:
                job.work.cancel()
            await job.work
        except ServiceError as raised:
            error = raised
        except asyncio.CancelledError:
            if job.stop_for is None:
                raise
        except Exception:
            log.event("error", "unexpected error", cause=traceback.format_exc())
            error = ServiceError("internal_error", "the server has a fault; the job's log says more")
        self._end(job, log, error)
        await self._store_end(job, log)

    async def _run(self, job: Job, log: JobLog) -> None:
        limit = self._settings.queue_timeout_sec
        try:
            async with asyncio.timeout(max(0.0, limit - job.age_seconds)) as clock:
                turn = self._turns.turn(job.group, urgent=job.urgent, large=job.large)
                await self._may_start.wait()
                cad_read = await turn.__aenter__()
        except TimeoutError:
            assert clock.expired()
            raise ServiceError(
                "queue_timeout",
                f"the job waited {limit:g} s for its turn (RENDER_QUEUE_TIMEOUT_SEC); send it again when there is less to do",
            ) from None
        try:
            await self._in_turn(job, log, cad_read)
        finally:
            await turn.__aexit__(None, None, None)

    async def _in_turn(self, job: Job, log: JobLog, cad_read: CadRead) -> None:
        job.move_to("running")
        try:
            await self._store.update(job.record(), job.resumed)
        except ServiceError as error:  # On disk it stays queued, from where the next server would begin it just as well.
            log.event("warning", "the job's start could not be stored", reason=error.detail)
        limit = self._settings.job_timeout_sec
        try:
            async with asyncio.timeout(max(0.0, limit - job.earlier_seconds)) as clock:
                await self._rendering.render(job, log, cad_read)
        except TimeoutError:
            if not clock.expired():
                raise
            raise ServiceError(
                "job_timeout",
                f"the job ran for {limit:g} s with {len(job.view_seconds)} of {job.total_poses} views done (RENDER_JOB_TIMEOUT_SEC); lower "
                "resolution or samples, or send it again: views are rendered faster on a server with less to do",
            ) from None

    def _end(self, job: Job, log: JobLog, error: ServiceError | None) -> None:
        """Move a job to the state that it ends in, or back to the queue."""
        if job.published:
            job.move_to("succeeded")
            seconds = job.elapsed_seconds or 0.0
            self._seconds_a_job += 0.2 * (seconds - self._seconds_a_job)
            log.event("info", "job succeeded", templates=str(job.templates_dir), views=len(job.view_seconds), seconds=round(seconds, 3))
        elif error is not None:
            job.move_to("timeout" if error.code in ("queue_timeout", "job_timeout") else "failed", error)
            cause = {"cause": repr(error.__cause__)} if error.__cause__ else {}
            log.event("error", f"job {job.status}", code=error.code, detail=error.detail, field=error.field, **cause)
        elif job.stop_for == "cancel":
            job.move_to("canceled", ServiceError("canceled", "the job was canceled; send the request again to render it after all"))
            log.event("info", "job canceled")
        else:
            if job.status == "running":
                job.move_to("queued")
            log.event("info", "job goes on when the server starts again", views=len(job.view_seconds))

    async def _store_end(self, job: Job, log: JobLog) -> None:
        """Store how a job ended, however long the disk refuses; until then the job stays in memory."""
        for attempt in range(1_000_000):
            try:
                await self._store.update(job.record(), job.resumed)
                job.end_stored = True
                break
            except ServiceError as error:
                # Whoever waits is answered: were the server to end now, the next one would come to the same end, unless somebody
                # stopped the job (see `cancel`).
                job.done.set()
                if attempt == 0:
                    log.event("error", "the job's end could not be stored yet", cause=error.detail)
                if self._draining:
                    break
                await asyncio.sleep(_STORE_RETRY_SEC[min(attempt, len(_STORE_RETRY_SEC) - 1)])
        self._forget(job)

    async def cancel(self, job: Job) -> None:
        """Stop a live job and return when it has ended: canceled, unless its files were published first.

        Raises:
            ServiceError: ``store_unavailable``; it is stopped, but a server that starts now would run it again.
        """
        job.stop("cancel")
        await job.done.wait()
        if job.status == "canceled" and not job.end_stored:
            raise ServiceError(
                "store_unavailable",
                "the job has stopped, but that cannot be stored at the moment, and after a restart it would run again; the operator must "
                "see to RENDER_DATA_DIR; repeat the request until it is answered otherwise",
                retry_after_sec=5,
            )

    async def drain(self, grace_sec: float) -> None:
        """Accept nothing more, let running views finish, and put what is left back into the queue for the next server."""
        if self._draining:
            return
        self._draining = True
        await self._scheduler.pause(grace_sec)
        live = self.live_jobs()
        for job in live:
            job.stop("requeue")
        await asyncio.gather(*(job.done.wait() for job in live))

    @property
    def draining(self) -> bool:
        """Whether the server is about to stop."""
        return self._draining


def refusal_to_resume(stored: StoredJob) -> ServiceError | None:
    """Why a job that the servers before could not end is not taken up again, if it is not."""
    if stored.resumed < MOST_RESUMES:
        return None
    return ServiceError(
        "server_restarted",
        f"{stored.resumed} servers began this job and ended before they had rendered a view of it; it may be what ends them",
    )
