"""A folder that is held open, and everything that is done in it.

A path may lead elsewhere at every moment: whoever may write in a folder above can put a link in its place. What is done
relative to an open descriptor is done in that very folder, and a link in the last place is never followed here.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

Identity = tuple[int, int]
"""Device and inode: of one file or folder, whatever it is called."""

_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2
_LIBC = ctypes.CDLL(None, use_errno=True)
_CANNOT = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


class Directory:
    """An open folder. Every method raises ``OSError``.

    Where a method takes a path, that is a name in the folder, or leads into sub-folders with slashes between the names; each of these is
    opened in turn, and none may be a link.

    Args:
        descriptor: of the folder; closed with this.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path, *, to_pass: bool = False) -> Directory:
        """Open a folder by its path; the last part of it must be no link.

        Args:
            path: of it.
            to_pass: only to go on from there: that needs no permission to read it.
        """
        return cls(os.open(path, _FOLDER | (os.O_PATH if to_pass else os.O_RDONLY)))

    def __enter__(self) -> Directory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hold it no longer; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def again(self) -> Directory:
        """The same folder, held open once more."""
        return Directory(os.dup(self._descriptor))

    @property
    def identity(self) -> Identity:
        """Which folder it is."""
        return identity_of(os.fstat(self._descriptor))

    @property
    def mode(self) -> int:
        """Its permissions."""
        return stat.S_IMODE(os.fstat(self._descriptor).st_mode)

    @property
    def path(self) -> Path:
        """Where it lies at this moment."""
        return Path(f"/proc/self/fd/{self._descriptor}").readlink()

    def names(self) -> list[str]:
        """Of all its entries."""
        return os.listdir(self._descriptor)

    @contextmanager
    def _holder(self, path: str) -> Iterator[tuple[int, str]]:
        """Descriptor of the folder that an entry lies in, and the entry's name there."""
        above, _, name = path.rpartition("/")
        if not above:
            yield self._descriptor, name
            return
        with ExitStack() as opened:
            here = self
            for part in above.split("/"):
                here = opened.enter_context(here.folder(part, to_pass=True))
            yield here._descriptor, name

    def status(self, path: str) -> os.stat_result:
        """Of an entry, of a link itself."""
        with self._holder(path) as (holder, name):
            return os.stat(name, dir_fd=holder, follow_symlinks=False)

    def find(self, path: str) -> os.stat_result | None:
        """As ``status``; None when there is no such entry."""
        try:
            return self.status(path)
        except FileNotFoundError:
            return None

    def folder(self, name: str, *, to_pass: bool = False) -> Directory:
        """Open a folder in it that is no link; see ``open``."""
        return Directory(os.open(name, _FOLDER | (os.O_PATH if to_pass else os.O_RDONLY), dir_fd=self._descriptor))

    def make_folder(self, path: str) -> None:
        """Make a folder in it, which must not be there."""
        with self._holder(path) as (holder, name):
            os.mkdir(name, dir_fd=holder)

    def open_file(self, path: str) -> BinaryIO:
        """Open a regular file in it for reading; no link, and no pipe or device, which could make the reader wait."""
        with self._holder(path) as (holder, name):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=holder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(None, "it is not a regular file")
        return os.fdopen(descriptor, "rb")

    def create(self, path: str) -> BinaryIO:
        """Make a file in it, which must not be there, and open it for writing; without a buffer."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._holder(path) as (holder, name):
            return os.fdopen(os.open(name, flags, 0o666, dir_fd=holder), "wb", buffering=0)

    def remove_file(self, path: str) -> None:
        """Remove a file, or a link itself."""
        with self._holder(path) as (holder, name):
            os.unlink(name, dir_fd=holder)

    def remove_folder(self, path: str) -> None:
        """Remove a folder that is empty."""
        with self._holder(path) as (holder, name):
            os.rmdir(name, dir_fd=holder)

    def rename(self, name: str, new_name: str) -> None:
        """Rename an entry; there must be none of the new name.

        Where the file system cannot see to that itself (NFS, for one), an empty folder is replaced, and by a file a file.
        """
        self.move(name, self, new_name)

    def move(self, path: str, other: Directory, new_path: str) -> None:
        """Move an entry into another folder of the same file system; see ``rename``."""
        with self._holder(path) as (holder, name), other._holder(new_path) as (new_holder, new_name):
            if not _renamed(holder, name, new_holder, new_name, _RENAME_NOREPLACE):
                os.rename(name, new_name, src_dir_fd=holder, dst_dir_fd=new_holder)

    def replace(self, path: str, other: Directory, new_path: str) -> None:
        """Move a file into another folder of the same file system, in the place of the one that is there, if any."""
        with self._holder(path) as (holder, name), other._holder(new_path) as (new_holder, new_name):
            os.replace(name, new_name, src_dir_fd=holder, dst_dir_fd=new_holder)

    def exchange(self, one: str, other: str) -> bool:
        """Swap two entries in one step; False where the file system cannot."""
        return _renamed(self._descriptor, one, self._descriptor, other, _RENAME_EXCHANGE)

    def set_mode(self, mode: int) -> None:
        """Change its permissions."""
        os.fchmod(self._descriptor, mode)

    def flush_file(self, path: str) -> None:
        """Return when a file's content is on disk."""
        with self.open_file(path) as file:
            os.fsync(file.fileno())

    def flush(self) -> None:
        """Return when its entries are on disk."""
        os.fsync(self._descriptor)


def _renamed(holder: int, name: str, new_holder: int, new_name: str, flag: int) -> bool:
    if _LIBC.renameat2(holder, os.fsencode(name), new_holder, os.fsencode(new_name), flag) == 0:
        return True
    code = ctypes.get_errno()
    if code in _CANNOT:
        return False
    raise OSError(code, os.strerror(code))


def identity_of(status: os.stat_result) -> Identity:
    """Which file or folder a status is of."""
    return status.st_dev, status.st_ino
