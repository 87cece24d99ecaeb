"""Takes an accepted job through its life: its slot, its rendering, its end, and the time limits over all of that."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Coroutine
from typing import Any

from serve_app.base import metrics
from serve_app.base.aio import spawn
from serve_app.base.errors import ServiceError
from serve_app.base.logs import JobLog
from serve_app.base.settings import Settings
from serve_app.jobs.job import Job
from serve_app.jobs.progress import StopReason
from serve_app.jobs.record import JobRecord, record_of
from serve_app.jobs.store import JobStore
from serve_app.service.admission import Place, check_not_draining, check_output, check_queue, check_room
from serve_app.service.job_events import JobEvents
from serve_app.service.live_jobs import LiveJobs
from serve_app.service.protocol import Pausable, Rendering
from serve_app.service.slots import JobSlot, JobSlots

_STORE_RETRY_SEC = (0.5, 1, 2, 5, 10)


class JobRunner:
    """Runs jobs in the background and remembers the live ones.

    Args:
        settings: of the service.
        store: every change of a job's state goes there.
        rendering: does the work.
        scheduler: stopped when the server drains.
        slots: bound the jobs that run at a time.

    Attributes:
        jobs: the live ones; nobody else adds to them or removes any.
        events: of all of them.
    """

    def __init__(self, settings: Settings, store: JobStore, rendering: Rendering, scheduler: Pausable, slots: JobSlots) -> None:
        self._settings, self._store, self._rendering, self._scheduler, self._slots = settings, store, rendering, scheduler, slots
        self.jobs = LiveJobs()
        self.events = JobEvents(self.jobs)
        self._work: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._seconds_a_job = 5.0
        self._draining = False
        self._may_start = asyncio.Event()
        self._may_start.set()

    def live(self, job_id: str) -> Job | None:
        """A job that has not ended, or has just."""
        return self.jobs.get(job_id)

    def live_jobs(self) -> list[Job]:
        """All jobs that have not ended."""
        return self.jobs.all()

    @property
    def draining(self) -> bool:
        """Whether the server is about to stop."""
        return self._draining

    def pause_starts(self) -> None:
        """Accept jobs but start none until ``resume_starts``."""
        self._may_start.clear()

    def resume_starts(self) -> None:
        """Let the accepted jobs start."""
        self._may_start.set()

    def check_open(self) -> None:
        """Refuse any new job while the server drains or the queue is full; looks at nothing but two numbers.

        Raises:
            ServiceError: ``draining`` or ``queue_full``.
        """
        check_not_draining(self._draining)
        check_queue(self.jobs.queued, self._settings.max_queued_jobs, self._seconds_a_job)

    async def submit(self, job: Job, request_key: str | None = None, places: tuple[Place, ...] = ()) -> JobRecord | None:
        """Accept a job: on disk when this returns, and running soon after.

        Args:
            job: new.
            request_key: a key that the client chose for it.
            places: where it needs room.

        Returns:
            None, or the job that already has this id or key; this one was not accepted then.

        Raises:
            ServiceError: there is no room for it, or it could not be stored; nothing was accepted.
        """
        # Nothing is awaited between these and the adding: of many requests at once, none is accepted for the room of another.
        self.check_open()
        check_output(job.spec, self.jobs)
        check_room(places, job.spec, self.jobs)
        self.jobs.add(job, request_key)
        # A task of its own: from here on the job is a job, whether or not its client hangs up.
        return await asyncio.shield(self._spawn(self._accept(job, request_key)))

    async def _accept(self, job: Job, request_key: str | None) -> JobRecord | None:
        try:
            existing = await self._store.insert(record_of(job), request_key, job.spec.request.callback_url)
        except BaseException:
            self._refuse(job)
            raise
        if existing is not None:
            self._refuse(job)
            return existing
        metrics.JOBS_ACCEPTED.add()
        self._begin(job)
        return None

    def _refuse(self, job: Job) -> None:
        self.jobs.remove(job)
        job.progress.refuse()

    def recover(self, job: Job) -> None:
        """Go on with a job that an earlier server accepted; its record says that it is queued."""
        self.jobs.add(job)
        self._begin(job)

    def _begin(self, job: Job) -> None:
        job.progress.is_stored("queued")
        self.events.follow(job)
        job.progress.accept()
        self._spawn(self._run_job(job))

    def _spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = spawn(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run_job(self, job: Job) -> None:
        log = JobLog(job.spec.log_path, job.job_id, job.spec.request_id)
        if not job.recovered:  # One that is says so when it has a slot: a server that starts may have ten thousand of them.
            _log_request(log, job, "job accepted")
        error: ServiceError | None = None
        try:
            # A task of its own, for `_stop` to cancel: this one sees the job to its end.
            self._work[job.job_id] = work = self._spawn(self._run_in_time(job, log))
            if job.progress.stop_reason is not None:
                work.cancel()
            await work
        except ServiceError as raised:
            error = raised
        except asyncio.CancelledError:
            if job.progress.stop_reason is None:
                raise
        except Exception:
            log.event("error", "unexpected error", cause=traceback.format_exc())
            error = ServiceError("internal_error", "the server has a fault; the job's log says more")
        finally:
            self._work.pop(job.job_id, None)
        self._end(job, log, error)
        # Beside each other: with many ends at once, each waits for its turn on the thread of the logs and on that of the store.
        closing = self._spawn(log.close())
        await self._store_end(job, log, closing)

    async def _run_in_time(self, job: Job, log: JobLog) -> None:
        limit = self._settings.queue_timeout_sec
        slot = self._slots.slot(job.spec.group, interactive=job.spec.interactive, large=job.spec.large)
        try:
            async with asyncio.timeout(max(0.0, limit - job.progress.age_sec)) as waiting:
                await self._may_start.wait()
                held = await slot.__aenter__()
        except TimeoutError:
            assert waiting.expired()
            raise ServiceError(
                "queue_timeout",
                f"the job waited {limit:g} s for a slot (RENDER_QUEUE_TIMEOUT_SEC); send it again when there is less to do",
            ) from None
        try:
            if job.recovered:
                _log_request(log, job, "job of an earlier server goes on")
            await self._run_in_slot(job, log, held)
        finally:
            await slot.__aexit__(None, None, None)

    async def _run_in_slot(self, job: Job, log: JobLog, slot: JobSlot) -> None:
        ran_before = job.progress.elapsed_sec or 0.0
        job.progress.start()
        try:
            await self._store.update(record_of(job))
            job.progress.is_stored("running")
        except ServiceError as error:  # In the store it stays queued, from where the next server would begin it just as well.
            log.event("warning", "the job's start could not be stored", reason=error.detail)
        limit = self._settings.job_timeout_sec
        try:
            async with asyncio.timeout(max(0.0, limit - ran_before)) as running:
                cad = await self._rendering.load_cad(job, log)
                await slot.end_reading()
                await self._rendering.render(job, cad, log)
        except TimeoutError:
            if not running.expired():
                raise
            done = f"{len(job.progress.view_seconds)} of {job.progress.total_poses} views done"
            raise ServiceError(
                "job_timeout",
                f"the job ran for {limit:g} s with {done} (RENDER_JOB_TIMEOUT_SEC); lower resolution or samples, or send it again: views "
                "are rendered faster on a server with less to do",
            ) from None

    def _end(self, job: Job, log: JobLog, error: ServiceError | None) -> None:
        """Move a job to the state that it ends in, or back to the queue."""
        progress = job.progress
        if progress.published:
            progress.succeed()
            seconds, views = progress.elapsed_sec or 0.0, len(progress.view_seconds)
            self._seconds_a_job += 0.2 * (seconds - self._seconds_a_job)
            folder = str(job.spec.templates_dir)
            log.end("info", "job succeeded", templates=folder, views=views, seconds=round(seconds, 3))
        elif error is not None:
            (progress.time_out if error.code in ("queue_timeout", "job_timeout") else progress.fail)(error)
            cause = {"cause": repr(error.__cause__)} if error.__cause__ else {}
            log.end("error", f"job {progress.status}", code=error.code, detail=error.detail, field=error.field, **cause)
        elif progress.stop_reason == "cancel":
            progress.cancel(ServiceError("canceled", "the job was canceled; send the request again to render it after all"))
            log.end("info", "job canceled")
        else:
            progress.put_back()
            log.event("info", "job goes on when the server starts again", views=len(progress.view_seconds))
        metrics.count_end(progress.status, error)

    async def _store_end(self, job: Job, log: JobLog, closing: asyncio.Task[None]) -> None:
        """Store how a job ended, however long the disk refuses; until then it stays in memory. Nobody is answered before ``closing``."""
        attempt = 0
        while True:
            try:
                await self._store.update(record_of(job))
                job.progress.is_stored(job.progress.status)
                break
            except ServiceError as error:
                # Whoever waits is answered: were the server to end now, the next one would come to the same end, unless somebody
                # stopped the job (see `cancel`).
                await closing
                job.progress.release()
                if attempt == 0:
                    log.event("error", "the job's end could not be stored yet", cause=error.detail)
                if self._draining:
                    break
                await asyncio.sleep(_STORE_RETRY_SEC[min(attempt, len(_STORE_RETRY_SEC) - 1)])
                attempt += 1
        await closing
        self.jobs.remove(job)
        job.progress.release()

    def _stop(self, job: Job, reason: StopReason) -> None:
        job.progress.request_stop(reason)
        if (work := self._work.get(job.job_id)) is not None:
            work.cancel()

    async def cancel(self, job: Job) -> None:
        """Stop a live job and return when it has ended: canceled, unless its folder was published first.

        Raises:
            ServiceError: ``store_unavailable``; it is stopped, but a server that starts now would run it again.
        """
        self._stop(job, "cancel")
        await job.progress.wait_released()
        if job.progress.status == "canceled" and not job.progress.end_is_stored:
            raise ServiceError(
                "store_unavailable",
                "the job has stopped, but that cannot be stored at the moment, and after a restart it would run again; the operator must "
                "see to RENDER_DATA_DIR; repeat the request until it is answered otherwise",
                retry_after_sec=5,
            )

    async def drain(self, grace_sec: float) -> int | None:
        """Accept nothing more, let running views finish, and put what is left back into the queue for the next server.

        Returns:
            How many jobs are left; None where an earlier call sees to it.
        """
        if self._draining:
            return None
        self._draining = True
        await self._scheduler.pause(grace_sec)
        live = self.live_jobs()
        for job in live:
            self._stop(job, "put_back")
        await asyncio.gather(*(job.progress.wait_released() for job in live))
        return sum(job.progress.phase == "put_back" for job in live)


def _log_request(log: JobLog, job: Job, event: str) -> None:
    log.event("info", event, cad_path=job.spec.cad_text, output_dir=job.spec.output_text, options=job.spec.options)
