"""Forgets jobs and logs that are old or too many, and removes what ended jobs have left."""

from __future__ import annotations

import asyncio
import contextlib
import stat
import time
from collections.abc import Callable
from pathlib import Path

from serve_app.base import tidying
from serve_app.base.errors import ServiceError
from serve_app.base.logs import log_path_of, server_event
from serve_app.base.output_roots import OutputRoots
from serve_app.base.settings import Settings
from serve_app.jobs.states import FINAL_STATES
from serve_app.jobs.store import JobStore
from serve_app.service.runner import JobRunner
from serve_app.templates.kept_manifests import KeptManifests
from serve_app.templates.leftovers import remove_leftover, staging_folders

_PERIOD_SEC = 3600.0
_DAY_SEC = 86400.0


async def keep_tidy(settings: Settings, store: JobStore, runner: JobRunner) -> None:
    """Tidy up at once and then every hour, for as long as the server runs."""

    async def sweep() -> None:
        await tidy(settings, store, {job.job_id for job in runner.live_jobs()}, runner.events.removed)

    await tidying.keep_tidy(sweep, _PERIOD_SEC, "old jobs could not be removed")


async def tidy(settings: Settings, store: JobStore, live: set[str], removed: Callable[[list[str]], None] = lambda job_ids: None) -> None:
    """Remove what the settings do not keep.

    Args:
        settings: say what is kept.
        store: of the jobs.
        live: ids of jobs that have not ended; nothing of theirs is touched.
        removed: is told the ids of jobs that are forgotten.
    """
    oldest = time.time() - settings.keep_jobs_days * _DAY_SEC
    leftovers = await _remove_leftovers(settings, store, oldest)
    forgotten = await store.forget(oldest, settings.keep_jobs)
    removed(forgotten)
    for job_id in forgotten:
        await asyncio.to_thread(_remove_log, log_path_of(settings.log_dir, job_id))
        await asyncio.to_thread(KeptManifests.of_server(settings).remove, job_id)
    logs = await asyncio.to_thread(_trim_logs, settings.log_dir, settings.log_max_bytes, live)
    if forgotten or logs or leftovers:
        server_event("info", "old jobs removed", jobs=len(forgotten), logs=logs, staging_folders=leftovers)


async def _remove_leftovers(settings: Settings, store: JobStore, oldest: float) -> int:
    """Remove staging folders of jobs that have ended, and old ones of jobs that nobody knows; returns how many went.

    Not young ones of unknown jobs: another server, with a store of its own, may publish into the same folders.
    """
    roots, removed = OutputRoots.of_server(settings), 0
    targets = {target.parent: target for target in await store.templates_dirs()}
    for target in targets.values():
        for name, (job_id, changed_at) in (await asyncio.to_thread(_staging_folders, roots, target)).items():
            record = await store.get(job_id) if job_id else None
            # One that was changed since its job has ended is of another server, whose client chose the same id.
            if changed_at < oldest if record is None else record.status in FINAL_STATES and changed_at <= (record.ended_at or 0.0):
                of_job = Path(record.templates_dir) if record else target
                removed += await asyncio.to_thread(_remove_leftover, roots, target, name, of_job.name)
    return removed


def _staging_folders(roots: OutputRoots, target: Path) -> dict[str, tuple[str | None, float]]:
    """Job id and time of last change of what is named as a staging folder beside a target, by its name."""
    # A folder that is gone, or cannot be read or reached at the moment, is looked at the next time.
    with contextlib.suppress(OSError, ServiceError), roots.opened(target, str(target)) as parent:
        if parent is not None:
            return {name: (job_id, parent.status(name).st_mtime) for name, job_id in staging_folders(parent).items()}
    return {}


def _remove_leftover(roots: OutputRoots, target: Path, name: str, of_target: str) -> bool:
    with contextlib.suppress(OSError, ServiceError), roots.opened(target, str(target)) as parent:
        return parent is not None and remove_leftover(parent, name, of_target)
    return False


def _trim_logs(folder: Path, max_bytes: int, live: set[str]) -> int:
    """Remove the oldest logs until the others fit; returns how many went. What is no file stays."""
    logs = sorted(
        (status.st_mtime_ns, status.st_size, path)
        for path in (folder.glob("*.log") if folder.is_dir() else ())
        if stat.S_ISREG((status := path.lstat()).st_mode)
    )
    total, removed = sum(size for _, size, _ in logs), 0
    for _, size, path in logs:
        if total <= max_bytes:
            break
        if path.stem not in live:
            path.unlink(missing_ok=True)
            total -= size
            removed += 1
    return removed


def _remove_log(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        server_event("warning", "the log of an old job cannot be removed; it stays", path=str(path), cause=str(error))
