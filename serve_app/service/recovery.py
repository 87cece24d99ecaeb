"""Takes up the jobs that an earlier server left unfinished."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from pydantic import ValidationError

from serve_app.base.errors import ServiceError
from serve_app.base.logs import server_event
from serve_app.base.output_roots import OutputRoots
from serve_app.jobs.job import Job
from serve_app.jobs.record import JobRecord, failed_record
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.store import JobStore
from serve_app.service.intake import Intake
from serve_app.templates.leftovers import remove_leftovers_of

MAX_RESTARTS_WITHOUT_VIEW = 10
"""A job that so many servers began, none of which rendered a view of it, may be what ends them."""


_TOGETHER = 200
"""Jobs that are taken up in one go on a thread: thousands of turns of threads take longer than the work."""


async def recover_jobs(store: JobStore, intake: Intake, roots: OutputRoots) -> list[Job]:
    """The jobs of an earlier server, oldest first, as this server's; one that cannot go on fails here.

    Args:
        store: of the jobs; a job that ran is put back into the queue in it.
        intake: resolves the requests anew: files may have gone and settings changed.
        roots: the way to their folders.
    """
    records, jobs = await store.unfinished(), list[Job]()
    for begin in range(0, len(records), _TOGETHER):
        together = records[begin : begin + _TOGETHER]
        found = await asyncio.to_thread(lambda records: [_job_or_error(intake, record) for record in records], together)
        for record, job in zip(together, found, strict=True):
            if (recovered := await _recovered(store, roots, record, job)) is not None:
                jobs.append(recovered)
    return jobs


def _job_or_error(intake: Intake, record: JobRecord) -> Job | Exception:
    try:
        return _job_of(intake, record)
    except Exception as raised:  # Whatever it is of one job, the others go on.
        return raised


async def _recovered(store: JobStore, roots: OutputRoots, record: JobRecord, job: Job | Exception) -> Job | None:
    if isinstance(job, Exception):
        raised = job
        error = raised if isinstance(raised, ServiceError) else ServiceError("internal_error", "the server has a fault with this job")
        if error is not raised:
            server_event("error", "a job of an earlier server cannot be taken up", job_id=record.job_id, cause=repr(raised))
        await asyncio.to_thread(_remove_leftovers, roots, record)
        await store.update(failed_record(record, error))
        return None
    if record.status == "running":
        await store.count_restart(record.job_id)
    return job


def _remove_leftovers(roots: OutputRoots, record: JobRecord) -> None:
    # A folder that cannot be reached any more keeps them.
    with contextlib.suppress(OSError, ServiceError), roots.opened(Path(record.templates_dir), record.output_dir) as parent:
        if parent is not None:
            remove_leftovers_of(parent, record.job_id, Path(record.templates_dir).name)


def _job_of(intake: Intake, record: JobRecord) -> Job:
    if record.restarts_without_view >= MAX_RESTARTS_WITHOUT_VIEW:
        raise ServiceError(
            "server_restarted",
            f"{record.restarts_without_view} servers began this job and ended before they had rendered a view of it; it may be what ends "
            "them",
        )
    try:
        request = RenderRequest(**_paths(record), **record.options)
    except (ValidationError, TypeError) as error:
        raise ServiceError("server_restarted", "an earlier version of the server accepted this job; send the request again") from error
    spec = intake.resolve(request, group=record.group, job_id=record.job_id, request_hash=record.request_hash, created_at=record.created_at)
    return Job(spec, recovered=True, started_at=record.started_at, ran_before_sec=record.elapsed_sec or 0.0)


def _paths(record: JobRecord) -> dict[str, str | None]:
    """What a record tells in place of the request's paths; an upload stands in its options."""
    uploaded = record.options.get("upload_id") is not None
    results = uploaded and record.output_dir == f"results:{record.job_id}"
    return {"cad_path": None if uploaded else record.cad_path, "output_dir": None if results else record.output_dir}
