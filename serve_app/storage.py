"""Looks at the room on the disks before a job is accepted."""

from __future__ import annotations

import os
from pathlib import Path

from serve_app.errors import ServiceError
from serve_app.requests import RenderRequest

_SHARED_MEMORY = Path("/dev/shm")
_SHARED_MEMORY_SHARE = 10
"""Shared memory is small in containers: a tenth of it must be free, or the bound where that is less."""

_VIEWS_OF_LEVEL = {0: 42, 1: 162, 2: 642}
_BYTES_A_PIXEL = 8
"""xyz takes 6; the two images fit the rest."""


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


def check_room(request: RenderRequest, output_dir: Path, data_dir: Path, least: int) -> None:
    """Refuse a job that a disk has no room for.

    Args:
        request: says how much it will write.
        output_dir: links resolved.
        data_dir: of the job store and the cache.
        least: bytes that must stay free beside what the job writes.

    Raises:
        ServiceError: ``storage_full``.
    """
    templates = _VIEWS_OF_LEVEL[request.level or 0] * request.resolution**2 * _BYTES_A_PIXEL
    places = (
        (output_dir, f"output_dir {request.output_dir!r}", least + templates if least else 0, "output_dir"),
        (data_dir, "the server's data folder", least, None),
        (_SHARED_MEMORY, "shared memory (/dev/shm)", least, None),
    )
    for path, name, needed, field in places:
        free, total = _space(path)
        if path is _SHARED_MEMORY:
            needed = min(needed, total // _SHARED_MEMORY_SHARE)
        if free < needed:
            raise ServiceError(
                "storage_full",
                f"{name} has {free / 2**20:.0f} MiB free and {needed / 2**20:.0f} MiB are needed; make room, or have the operator change "
                "RENDER_MIN_FREE_BYTES",
                field,
                retry_after_sec=60,
            )
