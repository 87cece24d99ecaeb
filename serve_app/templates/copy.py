"""Copies files so that neither copy can change the other, and checks them on the way."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from serve_app.base.directory import Directory

_FICLONE = 0x40049409
"""The ioctl that makes a file share another's blocks until either is written (btrfs, XFS, bcachefs)."""

_NOT_HERE = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.EPERM, errno.ENOSYS)
_WORKERS = 4
_CHUNK = 1 << 20


class DamagedFileError(Exception):
    """A file is not what it is said to be."""


def sha256_in(folder: Directory, name: str) -> str:
    """SHA-256, in hex, of a regular file in a folder."""
    with folder.open_file(name) as file:
        return hashlib.file_digest(cast(Any, file), "sha256").hexdigest()


def copy_files(source: Directory, target: Directory, files: Iterable[tuple[str, str]], created: set[str] | None = None) -> None:
    """Copy files from one folder to another, by reflink where the file system can, never by a link.

    Args:
        source: folder.
        target: folder; none of the files may be in it.
        files: name and SHA-256 of each.
        created: gets the name of each file as soon as it is made.

    Raises:
        DamagedFileError: a file is missing, or its content has another SHA-256.
        OSError: the target cannot be written.
    """
    with ThreadPoolExecutor(_WORKERS) as pool:
        for _ in pool.map(lambda file: _copy(source, target, file[0], file[1], set() if created is None else created), files):
            pass


def _copy(source: Directory, target: Directory, name: str, sha256: str, created: set[str]) -> None:
    try:
        opened = source.open_file(name)
    except OSError as error:
        raise DamagedFileError(f"{name} cannot be read: {error.strerror or error}") from error
    with opened, target.create(name) as copy:
        created.add(name)
        _copy_content(opened.fileno(), copy.fileno())
        os.fsync(copy.fileno())  # Here, where the disk works while other files are copied and checked.
    # Of the copy: what is published has been read back.
    if sha256_in(target, name) != sha256:
        raise DamagedFileError(f"{name} has another SHA-256 than when it was written")


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
