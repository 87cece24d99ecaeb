"""Looks at the room on the disks before a job is accepted."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from serve_app.base.errors import ServiceError
from serve_app.jobs.job import Job

_SHARED_MEMORY = Path("/dev/shm")
_SHARED_MEMORY_SHARE = 10
"""Shared memory is small in containers: a tenth of it must be free, or the bound where that is less."""


def _space(path: Path) -> tuple[int, int]:
    """Free and total bytes of the file system that a path, or the first folder above it that exists, lies on."""
    for folder in (path, *path.parents):
        try:
            status = os.statvfs(folder)
        except FileNotFoundError:
            continue
        return status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize
    return 0, 0


def free_bytes(path: Path) -> int:
    """Free bytes of the file system that a path, or the first folder above it that exists, lies on."""
    return _space(path)[0]


def check_room(job: Job, live: Iterable[Job], data_dir: Path, least: int) -> None:
    """Refuse a job that a disk has no room for.

    Args:
        job: says how much it will write, and where.
        live: the jobs that are accepted and have not ended; what they have yet to write to the same disk is theirs.
        data_dir: of the job store and the cache.
        least: bytes that must stay free beside what the jobs write; with 0 nothing is refused.

    Raises:
        ServiceError: ``storage_full``.
    """
    if not least:
        return
    promised = sum(other.bytes_to_come for other in live if other.need and job.need and other.need.disk == job.need.disk)
    templates = job.need.bytes if job.need else 0
    places = (
        (job.output_dir, f"output_dir {job.request.output_dir!r}", least + templates + promised, "output_dir"),
        (data_dir, "the server's data folder", least, None),
        (_SHARED_MEMORY, "shared memory (/dev/shm)", least, None),
    )
    for path, name, needed, field in places:
        free, total = _space(path)
        if path is _SHARED_MEMORY:
            needed = min(needed, total // _SHARED_MEMORY_SHARE)
        if free < needed:
            others = f", {promised / 2**20:.0f} of them for jobs that were accepted before" if promised and path is job.output_dir else ""
            raise ServiceError(
                "storage_full",
                f"{name} has {free / 2**20:.0f} MiB free and {needed / 2**20:.0f} MiB are needed{others}; make room, or have the operator "
                "change RENDER_MIN_FREE_BYTES",
                field,
                retry_after_sec=60,
            )
