"""A temporary folder of this process's own, which goes away even where the process is killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

_TRIES = 10

_held: list[int] = []
"""Open for the life of the process: the lock on its folder is what tells others that it lives."""


def own_temporary_folder(prefix: str) -> Path:
    """Make a folder for this process, after those of processes that are gone have been removed.

    Whether a process is gone is told by a lock on its folder and not by its number: where containers share the parent folder, each
    counts its processes for itself.

    Args:
        prefix: of the folders' names; others in the temporary folder are left alone.
    """
    parent = Path(tempfile.gettempdir())
    for folder in parent.glob(f"{prefix}*"):
        _remove_if_left(folder)
    for _ in range(_TRIES):
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        # Another process may find it before it is locked, and remove it.
        if (lock := _locked(folder)) is not None:
            _held.append(lock)
            break
    return folder  # A file system that knows no locks lets nothing be removed, either.


def _remove_if_left(folder: Path) -> None:
    """Remove a folder whose process is gone."""
    if (lock := _locked(folder)) is not None:
        try:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the folder's lock, or None: another process has it, or the folder is gone, no folder or not ours."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None
