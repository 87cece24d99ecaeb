"""The results of jobs that name no output folder: in the server's data folder, for a time, and within a bound."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from serve_app.base import metrics
from serve_app.base.logs import server_event
from serve_app.base.settings import Settings
from serve_app.base.tidying import keep_tidy
from serve_app.jobs.job import JobSpec
from serve_app.jobs.record import JobRecord
from serve_app.jobs.states import OPEN_STATES
from serve_app.jobs.store import JobStore
from serve_app.service.admission import RESULTS_SETTING, Place

KEPT_AT_LEAST_SEC = 3600.0
"""Results of a job that ended since then do not go for lack of room."""

_EVERY_SEC = 30.0
_DOOMED = ".doomed-"


@dataclass(frozen=True)
class _Kept:
    """What is known of the results of a job.

    Attributes:
        bytes: of all files.
        ended_at: when the job did, in Unix seconds.
        expire_at: when they are removed.
    """

    bytes: int
    ended_at: float
    expire_at: float


class KeptResults:
    """A folder a job, called by its id.

    Args:
        settings: say where, for how long, and how much.
        store: of the jobs.
        is_live: whether a job has not ended, by its id.
    """

    def __init__(self, settings: Settings, store: JobStore, is_live: Callable[[str], bool]) -> None:
        self._folder, self._store, self._is_live = settings.results_dir, store, is_live
        self.max_bytes, self.ttl_sec = settings.results_max_bytes, settings.results_ttl_sec
        self._kept: dict[str, _Kept] = {}

    @property
    def bytes_used(self) -> int:
        """Bytes of all of them."""
        return sum(kept.bytes for kept in self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    def place(self, spec: JobSpec) -> Place | None:
        """What must have room for a job; None where its files go elsewhere."""
        if spec.results_ttl_sec is None:
            return None
        needed = spec.disk_need.bytes if spec.disk_need else 0
        return Place("the server's room for results", self.max_bytes - self.bytes_used, needed, shared=True, setting=RESULTS_SETTING)

    async def keep_tidy(self) -> None:
        """Remove what has expired or is too much, again and again, for as long as the server runs."""
        await keep_tidy(self.sweep, _EVERY_SEC, "old results could not be removed")

    async def sweep(self) -> None:
        """Take stock, and remove what has expired, and then the oldest until the others fit."""
        names = await asyncio.to_thread(_names, self._folder)
        for name in self._kept.keys() - names:
            del self._kept[name]
        for name in names - self._kept.keys():
            if not self._is_live(name):
                record = await self._store.get(name)
                if record is None or record.status not in OPEN_STATES:
                    self._kept[name] = await asyncio.to_thread(_kept, self._folder / name, record, self.ttl_sec)
        now = time.time()
        doomed = [name for name, kept in self._kept.items() if kept.expire_at <= now and not self._is_live(name)]
        expired = len(doomed)
        left = self.bytes_used - sum(self._kept[name].bytes for name in doomed)
        for name, kept in sorted(self._kept.items(), key=lambda item: item[1].ended_at):
            if left <= self.max_bytes or kept.ended_at > now - KEPT_AT_LEAST_SEC:
                break
            if name not in doomed and not self._is_live(name):
                doomed.append(name)
                left -= kept.bytes
        for name in doomed:
            await asyncio.to_thread(_remove, self._folder, name)
            del self._kept[name]
        metrics.REMOVED.add(expired, "results", "expired")
        metrics.REMOVED.add(len(doomed) - expired, "results", "room")
        if doomed:
            server_event("info", "results of old jobs removed", jobs=len(doomed))


def _names(folder: Path) -> set[str]:
    """Of the jobs that have results, or had such that could not be removed whole."""
    try:
        found = os.listdir(folder)
    except FileNotFoundError:
        return set()
    for name in found:
        if name.startswith(_DOOMED):
            shutil.rmtree(folder / name, ignore_errors=True)
    return {name for name in found if not name.startswith(".")}


def _kept(folder: Path, record: JobRecord | None, ttl_sec: float) -> _Kept:
    """What there is of a job; of one that is not known, or has not succeeded, nobody is told, so that its age alone counts."""
    size, changed = 0, folder.stat().st_mtime
    for above, _, files in os.walk(folder):
        size += sum(os.lstat(Path(above, name)).st_size for name in files)
    ended_at = (record.ended_at if record is not None else None) or changed
    expire_at = record.results_expire_at if record is not None else None
    return _Kept(size, ended_at, ended_at + ttl_sec if expire_at is None else expire_at)


def _remove(folder: Path, name: str) -> None:
    """Remove a job's results; whoever looks for them then finds none, not some."""
    doomed = folder / f"{_DOOMED}{name}"
    try:
        (folder / name).rename(doomed)
        shutil.rmtree(doomed)
    except OSError as error:
        server_event("warning", "results could not be removed whole", job_id=name, cause=str(error))
