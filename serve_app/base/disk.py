"""How much room a disk has."""

from __future__ import annotations

import os
from pathlib import Path


def disk_space(path: Path) -> tuple[int, int]:
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
    return disk_space(path)[0]
