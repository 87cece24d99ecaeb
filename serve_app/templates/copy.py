"""Copies files so that neither copy can change the other, and checks them on the way."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from render_actor.contract.view_files import FileContent
from serve_app.base.directory import Directory

_FICLONE = 0x40049409
"""The ioctl that makes a file share another's blocks until either is written (btrfs, XFS, bcachefs)."""

_NOT_HERE = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.EPERM, errno.ENOSYS)
_WORKERS = 4
_CHUNK = 1 << 20


class DamagedFileError(Exception):
    """A file is not what it is said to be."""


def is_intact(folder: Directory, name: str, content: FileContent) -> bool:
    """Whether a regular file in a folder holds what it is said to; one of another size is not read.

    Raises:
        OSError: there is none, or it cannot be read.
    """
    with folder.open_file(name) as file:
        if os.fstat(file.fileno()).st_size != content.size:
            return False
        digest, rest = hashlib.sha256(), content.size + 1  # It may grow while it is read.
        while chunk := file.read(min(_CHUNK, rest)):
            digest.update(chunk)
            rest -= len(chunk)
    return digest.hexdigest() == content.sha256


class FileCopy(NamedTuple):
    """One file to copy.

    Attributes:
        there: its path in the folder that it is copied from.
        here: its path in the folder that it is copied to.
        content: what it must hold.
    """

    there: str
    here: str
    content: FileContent


def copy_files(source: Directory, target: Directory, files: Iterable[FileCopy], created: set[str] | None = None) -> None:
    """Copy files from one folder to another, by reflink where the file system can, never by a link.

    Args:
        source: folder.
        target: folder; none of the files may be in it, but every sub-folder must.
        files: which.
        created: gets the path of each file as soon as it is made.

    Raises:
        DamagedFileError: a file is missing, or holds something else.
        OSError: the target cannot be written.
    """
    with ThreadPoolExecutor(_WORKERS) as pool:
        for _ in pool.map(lambda file: _copy(source, target, file, set() if created is None else created), files):
            pass


def _copy(source: Directory, target: Directory, file: FileCopy, created: set[str]) -> None:
    try:
        opened = source.open_file(file.there)
    except OSError as error:
        raise DamagedFileError(f"{file.there} cannot be read: {error.strerror or error}") from error
    with opened:
        if os.fstat(opened.fileno()).st_size != file.content.size:
            raise DamagedFileError(f"{file.there} has another size than when it was written")
        with target.create(file.here) as copy:
            created.add(file.here)
            _copy_content(opened.fileno(), copy.fileno(), file.content.size)
            os.fsync(copy.fileno())  # Here, where the disk works while other files are copied and checked.
    # Of the copy: what is published has been read back.
    if not is_intact(target, file.here, file.content):
        raise DamagedFileError(f"{file.there} has another SHA-256 than when it was written")


def _copy_content(source: int, target: int, size: int) -> None:
    try:
        fcntl.ioctl(target, _FICLONE, source)
        return
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
    left = size
    try:
        while left > 0 and (copied := os.copy_file_range(source, target, left)):
            left -= copied
        return
    except OSError as error:
        if error.errno not in _NOT_HERE or os.lseek(target, 0, os.SEEK_CUR):
            raise
    while chunk := os.read(source, min(_CHUNK, left)):
        left -= len(chunk)
        view = memoryview(chunk)
        while view:
            view = view[os.write(target, view) :]
