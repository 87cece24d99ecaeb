"""The service's values of this moment, for its metrics."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from serve_app.base import metrics
from serve_app.base.aio import spawn
from serve_app.base.disk import free_bytes
from serve_app.base.settings import Settings
from serve_app.service.kept_results import KeptResults
from serve_app.service.live_jobs import LiveJobs
from serve_app.templates.cache import TemplateCache
from serve_app.uploads.resumable import ResumableUploads
from serve_app.uploads.store import UploadStore

DISKS_EVERY_SEC = 10.0


class ServiceGauges:
    """Sets the gauges of ``serve_app.base.metrics``.

    Args:
        settings: name the disks.
        jobs: the live ones.
        cache: of finished templates.
        uploads: that are whole.
        resumable: those that are not.
        results: that the server keeps.
    """

    def __init__(
        self,
        settings: Settings,
        jobs: LiveJobs,
        cache: TemplateCache,
        uploads: UploadStore,
        resumable: ResumableUploads,
        results: KeptResults,
    ) -> None:
        self._settings, self._jobs, self._cache = settings, jobs, cache
        self._uploads, self._resumable, self._results = uploads, resumable, results
        self._disks: asyncio.Task[None] | None = None
        self._disks_at = float("-inf")

    def measure(self, *, ready: bool) -> None:
        """Set all of them. Disks are looked at beside this and less often: a network's disk may hang.

        Args:
            ready: whether requests should be sent here.
        """
        metrics.READY.set(float(ready))
        metrics.JOBS.set(self._jobs.queued, "queued")
        metrics.JOBS.set(self._jobs.running, "running")
        metrics.QUEUE_OLDEST.set(self._jobs.oldest_queued_sec)
        metrics.CACHE_BYTES.set(self._cache.bytes_used)
        metrics.CACHE_ENTRIES.set(len(self._cache))
        metrics.UPLOADS.set(len(self._uploads), "complete")
        metrics.UPLOADS.set(len(self._resumable), "incomplete")
        metrics.UPLOADS_BYTES.set(self._uploads.room.used)
        metrics.RESULTS.set(len(self._results))
        metrics.RESULTS_BYTES.set(self._results.bytes_used)
        if time.monotonic() - self._disks_at >= DISKS_EVERY_SEC and (self._disks is None or self._disks.done()):
            self._disks_at, self._disks = time.monotonic(), spawn(self._measure_disks())

    async def _measure_disks(self) -> None:
        places = [("output", root) for root in self._settings.resolved_output_roots]
        for place, path in [*places, ("data", self._settings.data_dir.absolute())]:
            free = await asyncio.to_thread(_free, path)
            metrics.DISK_FREE.set(free, place, str(path))
            metrics.DISK_MIN_FREE.set(None if free is None else self._settings.min_free_bytes, place, str(path))


def _free(path: Path) -> int | None:
    """Free bytes; None where the folder is not there or cannot be reached: the default roots need not all exist."""
    try:
        return free_bytes(path) if path.is_dir() else None
    except OSError:
        return None
