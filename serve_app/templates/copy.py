"""Copies files so that neither copy can change the other, and checks them on the way."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_FICLONE = 0x40049409
"""The ioctl that makes a file share another's blocks until either is written (btrfs, XFS, bcachefs)."""

_NOT_HERE = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.EPERM, errno.ENOSYS)
_WORKERS = 4
_CHUNK = 1 << 20


class DamagedFileError(Exception):
    """A file is not what it is said to be."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_files(source: Path, target: Path, files: Iterable[tuple[str, str]]) -> None:
    """Copy files from one folder to another, by reflink where the file system can, never by a link.

    Args:
        source: folder.
        target: folder; it must exist.
        files: name and SHA-256 of each.

    Raises:
        DamagedFileError: a file is missing, or its content has another SHA-256.
        OSError: the target cannot be written.
    """
    with ThreadPoolExecutor(_WORKERS) as pool:
        for _ in pool.map(lambda file: _copy(source / file[0], target / file[0], file[1]), files):
            pass


def _copy(source: Path, target: Path, sha256: str) -> None:
    try:
        opened = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise DamagedFileError(f"{source.name} cannot be read: {error.strerror}") from error
    try:
        created = os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        try:
            _copy_content(opened, created)
            os.fsync(created)  # Here, where the disk works while other files are copied and checked.
        finally:
            os.close(created)
    finally:
        os.close(opened)
    # Of the copy: what is published has been read back.
    if sha256_of(target) != sha256:
        raise DamagedFileError(f"{source.name} has another SHA-256 than when it was written")


def _copy_content(source: int, target: int) -> None:
    try:
        fcntl.ioctl(target, _FICLONE, source)
        return
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
    left = os.fstat(source).st_size
    try:
        while left > 0 and (copied := os.copy_file_range(source, target, left)):
            left -= copied
        return
    except OSError as error:
        if error.errno not in _NOT_HERE or os.lseek(target, 0, os.SEEK_CUR):
            raise
    while chunk := os.read(source, _CHUNK):
        view = memoryview(chunk)
        while view:
            view = view[os.write(target, view) :]
