"""Collects a job's files where no consumer looks, and publishes them whole with one rename.

Consumers take a templates folder that exists for a finished one.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from serve_app.base.errors import ServiceError
from serve_app.templates.copy import copy_files, sha256_of

MANIFEST = "manifest.json"
_OURS = re.compile(r"rgb_\d+\.png|mask_\d+\.png|xyz_\d+\.npy|manifest\.json|\.DS_Store|Thumbs\.db|\.nfs[0-9a-f]+")
_PARTIAL = ".partial"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_MKDIR_TRIES = 5
_FLUSHERS = 8
"""Files flushed at once: a disk takes many small flushes together as fast as one."""


def check_replaceable(target: Path, quoted: str) -> None:
    """Refuse to publish over anything but templates.

    Args:
        target: the folder that will be replaced; it need not exist.
        quoted: the folder as the client named it.

    Raises:
        ServiceError: it is a file or a link, or holds files that are not templates and would be lost; or it cannot be looked at.
    """
    try:
        other = target.is_symlink() or (target.exists() and not target.is_dir())
    except OSError as error:  # A name that is too long, once `templates` is added to it.
        raise ServiceError("output_not_writable", f"{quoted!r} cannot be used: {error.strerror}", "output_dir") from error
    if other:
        raise ServiceError("output_not_replaceable", f"{quoted!r} is a file or a link; name a folder", "output_dir")
    if target.is_dir():
        try:
            others = sorted(name for name in os.listdir(target) if not _OURS.fullmatch(name))
        except OSError as error:
            raise ServiceError("output_not_writable", f"{quoted!r} cannot be read: {error.strerror}", "output_dir") from error
        if others:
            some = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
            raise ServiceError(
                "output_not_replaceable",
                f"{quoted!r} holds files that are not templates and would be lost ({some}); move them, or use another output_dir",
                "output_dir",
            )


def staging_path(target: Path, job_id: str) -> Path:
    """Where a job collects the files of a target folder."""
    return target.parent / f".{target.name}-{job_id}{_PARTIAL}"


def staging_folders(targets: Iterable[Path]) -> dict[Path, list[str]]:
    """The staging folders of some target folders that lie on the disk, with the job ids that their names can be read as.

    There is more than one reading where one target is called as another and a hyphen. A folder with other files than templates
    in it is somebody else's.
    """
    names: defaultdict[Path, set[str]] = defaultdict(set)
    for target in targets:
        names[target.parent].add(target.name)
    found = {}
    for parent, names_here in names.items():
        try:
            for entry in os.scandir(parent):
                if not entry.name.endswith(_PARTIAL) or not entry.is_dir(follow_symlinks=False):
                    continue
                prefixes = [prefix for name in names_here if entry.name.startswith(prefix := f".{name}-")]
                if prefixes and all(_OURS.fullmatch(name) for name in os.listdir(entry)):
                    found[Path(entry)] = [entry.name.removeprefix(prefix).removesuffix(_PARTIAL) for prefix in prefixes]
        except OSError:  # The folder is gone, or cannot be read at the moment.
            continue
    return found


class StagingFolder:
    """A hidden folder beside the target, on the same file system.

    Args:
        target: the folder to publish.
        job_id: makes the staging folder's name this job's own.
        quoted: the target as the client named it, for messages.
    """

    def __init__(self, target: Path, job_id: str, quoted: str) -> None:
        self._target, self._quoted = target, quoted
        self._folder = staging_path(target, job_id)
        self._made: list[Path] = []

    @property
    def folder(self) -> Path:
        """Where the files are collected."""
        return self._folder

    def open(self) -> None:
        """Make the staging folder, unless an earlier server has left it, and the folders above it that are missing."""
        try:
            for _ in range(_MKDIR_TRIES - 1):
                try:
                    self._make()
                    return
                except FileNotFoundError:  # Another job has just given up a folder above.
                    continue
            self._make()
        except OSError as error:
            self.discard()
            raise self._not_writable(error) from error

    def _make(self) -> None:
        for folder in reversed([folder for folder in self._folder.parents if not folder.exists()]):
            try:
                folder.mkdir()
            except FileExistsError:  # Another job was quicker; the folder is its to remove.
                continue
            self._made.append(folder)
        self._folder.mkdir(exist_ok=True)

    def write(self, name: str, data: bytes) -> None:
        """Write one file."""
        try:
            (self._folder / name).write_bytes(data)
        except OSError as error:
            raise self._not_writable(error) from error

    def copy_from(self, source: Path, files: dict[str, str]) -> None:
        """Copy files from another folder.

        Args:
            source: the folder.
            files: SHA-256 of each, by name.

        Raises:
            DamagedFileError: a file is missing there or has another SHA-256.
            ServiceError: the staging folder cannot be written.
        """
        try:
            copy_files(source, self._folder, files.items())
        except OSError as error:
            raise self._not_writable(error) from error

    def intact(self, files: dict[str, str]) -> bool:
        """Whether files lie in the folder with the SHA-256 that each is said to have."""
        return _intact(self._folder, files)

    def whole_at_target(self, files: dict[str, str]) -> bool:
        """Whether files lie in the target with the SHA-256 that each is said to have."""
        return bool(files) and _intact(self._target, files)

    def keep_only(self, names: set[str]) -> None:
        """Remove what an earlier server left in the folder and nobody vouches for."""
        for path in self._folder.iterdir():
            if path.name not in names:
                path.unlink()

    def publish(self, files: dict[str, int]) -> None:
        """Put the staging folder in the target's place; a reader sees the old folder or the new one, never a mixture.

        Args:
            files: name and bytes of each file that must be there, and no other may.

        Raises:
            ServiceError: the target cannot be replaced or written, or a file was taken out of the staging folder.
        """
        check_replaceable(self._target, self._quoted)
        try:
            found = {entry.name: entry.stat(follow_symlinks=False).st_size for entry in os.scandir(self._folder)}
            if found != files:
                odd = sorted(name for name in found.keys() | files.keys() if found.get(name) != files.get(name))
                raise ServiceError(
                    "output_not_writable",
                    f"files of {self._quoted!r} were changed by somebody else while they were collected ({', '.join(odd[:3])}); "
                    "send the request again",
                    "output_dir",
                )
            with ThreadPoolExecutor(_FLUSHERS) as pool:
                list(pool.map(_flush, [self._folder / name for name in files]))
            _flush(self._folder)
            try:
                self._folder.rename(self._target)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                _exchange(self._folder, self._target)  # There is an earlier folder, or another job was quicker.
                shutil.rmtree(self._folder, ignore_errors=True)
            _flush(self._target.parent)
        except OSError as error:
            raise self._not_writable(error) from error
        self._made = []

    def discard(self) -> None:
        """Remove the staging folder, and the folders that were made for it; nothing is left."""
        shutil.rmtree(self._folder, ignore_errors=True)
        for folder in reversed(self._made):
            try:
                folder.rmdir()
            except OSError:  # Somebody else has put something into it meanwhile.
                break
        self._made = []

    def _not_writable(self, error: OSError) -> ServiceError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return ServiceError(
                "storage_full",
                f"there is no space left for output_dir {self._quoted!r}; make room, and send the request again",
                "output_dir",
            )
        return ServiceError(
            "output_not_writable", f"output_dir {self._quoted!r} cannot be written: {error.strerror or error}", "output_dir"
        )


def _intact(folder: Path, files: dict[str, str]) -> bool:
    try:
        return all(sha256_of(folder / name) == sha256 for name, sha256 in files.items())
    except OSError:
        return False


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exchange(new: Path, old: Path) -> None:
    """Swap two folders in one step; where the file system cannot, move the old one aside first."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(new), _AT_FDCWD, os.fsencode(old), _RENAME_EXCHANGE) == 0:
        return
    code = ctypes.get_errno()
    if code not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        raise OSError(code, os.strerror(code))
    aside = new.with_suffix(".old")
    old.rename(aside)
    try:
        new.rename(old)
    except OSError:
        aside.rename(old)
        raise
    aside.rename(new)
