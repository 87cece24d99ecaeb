"""Forgets jobs and logs that are old or too many, and removes what ended jobs have left."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

from serve_app.base.errors import ServiceError
from serve_app.base.logs import log_path_of, server_event
from serve_app.base.settings import Settings
from serve_app.jobs.states import FINAL_STATES
from serve_app.jobs.store import JobStore
from serve_app.service.runner import JobRunner
from serve_app.templates.staging import staging_folders

_PERIOD_SEC = 3600.0
_DAY_SEC = 86400.0


async def keep_tidy(settings: Settings, store: JobStore, runner: JobRunner) -> None:
    """Tidy up at once and then every hour, for as long as the server runs."""
    while True:
        try:
            await tidy(settings, store, {job.job_id for job in runner.live_jobs()})
        except (ServiceError, OSError) as error:
            server_event("warning", "old jobs could not be removed", cause=str(error))
        await asyncio.sleep(_PERIOD_SEC)


async def tidy(settings: Settings, store: JobStore, live: set[str]) -> None:
    """Remove what the settings do not keep.

    Args:
        settings: say what is kept.
        store: of the jobs.
        live: ids of jobs that have not ended; nothing of theirs is touched.
    """
    oldest = time.time() - settings.keep_jobs_days * _DAY_SEC
    leftovers = await _remove_leftovers(store, oldest)
    forgotten = await store.forget(oldest, settings.keep_jobs)
    for job_id in forgotten:
        await asyncio.to_thread(log_path_of(settings.log_dir, job_id).unlink, missing_ok=True)
    logs = await asyncio.to_thread(_trim_logs, settings.log_dir, settings.log_max_bytes, live)
    if forgotten or logs or leftovers:
        server_event("info", "old jobs removed", jobs=len(forgotten), logs=logs, staging_folders=leftovers)


async def _remove_leftovers(store: JobStore, oldest: float) -> int:
    """Remove staging folders of jobs that have ended, and old ones of jobs that nobody knows; returns how many went.

    Not young ones of unknown jobs: another server, with a store of its own, may publish into the same folders.
    """
    folders = await asyncio.to_thread(staging_folders, await store.templates_dirs())
    removed = 0
    for folder, job_ids in folders.items():
        known = [record for job_id in job_ids if (record := await store.get(job_id)) is not None]
        if known:
            left = all(record.status in FINAL_STATES for record in known)
        else:
            left = await asyncio.to_thread(_changed_before, folder, oldest)
        if left:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            removed += 1
    return removed


def _changed_before(folder: Path, moment: float) -> bool:
    try:
        return folder.stat().st_mtime < moment
    except OSError:  # Whoever works in it has just removed it.
        return False


def _trim_logs(folder: Path, max_bytes: int, live: set[str]) -> int:
    """Remove the oldest logs until the others fit; returns how many went."""
    if not folder.is_dir():
        return 0
    logs = sorted((path.stat().st_mtime_ns, path.stat().st_size, path) for path in folder.glob("*.log"))
    total, removed = sum(size for _, size, _ in logs), 0
    for _, size, path in logs:
        if total <= max_bytes:
            break
        if path.stem not in live:
            path.unlink(missing_ok=True)
            total -= size
            removed += 1
    return removed
