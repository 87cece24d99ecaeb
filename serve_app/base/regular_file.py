"""Opens the files that a request or a CAD names, and nothing but regular files."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular_file(path: Path) -> BinaryIO:
    """Open a regular file for reading, and no link, pipe or device.

    What is checked is the very file that is then read, whatever happens to the path meanwhile; a pipe or a device is
    not even opened, which can have effects of its own.

    Args:
        path: absolute, with no symbolic link in it.

    Raises:
        OSError: it cannot be opened, or what was opened is not this path or not a regular file; ``strerror`` says
            which without naming the path.
    """
    handle = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        itself = f"/proc/self/fd/{handle}"
        status = os.fstat(handle)
        if stat.S_ISLNK(status.st_mode) or Path(itself).readlink() != path:
            raise OSError(None, "it is a link, or was exchanged while it was opened")
        if not stat.S_ISREG(status.st_mode):
            raise OSError(None, "it is not a regular file")
        return os.fdopen(os.open(itself, os.O_RDONLY | os.O_CLOEXEC), "rb")
    finally:
        os.close(handle)


def _check_size(file: BinaryIO, limit: int) -> None:
    size = os.fstat(file.fileno()).st_size
    if size > limit:
        raise ValueError(f"it has {size} bytes, more than {limit}")


def read_regular_file(path: Path, limit: int) -> bytes:
    """Content of a regular file, refused when it is larger than ``limit`` bytes (``ValueError``)."""
    with open_regular_file(path) as file:
        _check_size(file, limit)
        data = file.read(limit + 1)  # It may grow while it is read.
    if len(data) > limit:
        raise ValueError(f"it has more than {limit} bytes")
    return data


def sha256_of_open_file(file: BinaryIO, limit: int) -> str:
    """SHA-256 of what is left to read of a file; refused when the file is larger than ``limit`` bytes (``ValueError``)."""
    _check_size(file, limit)
    digest, rest = hashlib.sha256(), limit
    while chunk := file.read(1024**2):
        digest.update(chunk)
        rest -= len(chunk)
        if rest < 0:
            raise ValueError(f"it has more than {limit} bytes")
    return digest.hexdigest()
