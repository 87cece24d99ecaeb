"""Collects a job's files where no consumer looks, and publishes them whole with one rename.

Consumers take a templates folder that exists for a finished one. Others may write in the same folders at the same time: nothing
here follows a link, and what is not of our making is neither written to nor removed.
"""

from __future__ import annotations

import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from render_actor.contract.sink import OUTPUT_FIELD, write_failure
from render_actor.contract.view_files import FileContent
from serve_app.base.aio import for_each
from serve_app.base.directory import Directory, identity_of
from serve_app.base.errors import ServiceError
from serve_app.base.output_roots import OpenParent, OutputRoots
from serve_app.templates.copy import copy_files, is_intact
from serve_app.templates.leftovers import remove_if_empty, remove_leftovers_of, staging_name, templates_left
from serve_app.templates.publishing import StagingMark, Target, changed_by_others, put_in_place
from serve_app.templates.replaceable import check_replaceable

MODE_WHILE_COLLECTING = 0o700
GROUP_BITS = 0o7000
"""The bit among them by which files get their group from the folder above."""

_MAX_TRIES = 5
_FLUSHERS = 8
"""Files flushed at once: a disk takes many small flushes together as fast as one."""


class StagingFolder:
    """A hidden folder beside the target, on the same file system, held open from ``open`` to the end.

    Only the server's user may enter it until it is published.

    Args:
        roots: the way to the target.
        target: the folder to publish.
        job_id: part of the staging folder's name.
        quoted: the target as the client named it, for messages.
    """

    def __init__(self, roots: OutputRoots, target: Path, job_id: str, quoted: str) -> None:
        self._roots, self._target, self._job_id, self._quoted = roots, target, job_id, quoted
        self._parent: OpenParent | None = None
        self._folder: Directory | None = None
        self._mark: StagingMark | None = None
        self._created: set[str] = set()
        self._flushed: set[str] = set()

    @property
    def mark(self) -> StagingMark:
        """What a later server must be told to go on with this folder."""
        assert self._mark is not None
        return self._mark

    @property
    def directory(self) -> Directory:
        """Where the files are collected."""
        assert self._folder is not None
        return self._folder

    @property
    def parent(self) -> Directory:
        """The folder that it and the target lie in."""
        assert self._parent is not None
        return self._parent.directory

    @property
    def quoted(self) -> str:
        """The target as the client named it."""
        return self._quoted

    def open(self, left: StagingMark | None = None) -> None:
        """Make the staging folder, and the folders above it that are missing.

        Args:
            left: the folder that an earlier server made for this job, taken up again if it still is that one and holds no foreign file.

        Raises:
            ServiceError: the folder cannot be made, or a link or the server's own folder is in the way.
        """
        try:
            for _ in range(_MAX_TRIES - 1):
                with suppress(FileNotFoundError):
                    self._open(left)
                    return
                self.discard()  # Another job has just given up a folder above.
            self._open(left)
        except OSError as error:
            self.discard()
            raise self.not_writable(error) from error
        except BaseException:
            self.discard()
            raise

    def _open(self, left: StagingMark | None) -> None:
        self._parent = self._roots.open_parent(self._target, self._quoted, make=True)
        if left is None or not self._take_up(self._parent.directory, left):
            self._make(self._parent.directory)

    def remove_leftovers(self) -> None:
        """Remove what earlier servers left of this job beside the folder that is open."""
        assert self._parent is not None
        remove_leftovers_of(self._parent.directory, self._job_id, self._target.name, keep=self.mark.name)

    def _take_up(self, parent: Directory, left: StagingMark) -> bool:
        try:
            folder = parent.folder(left.name)
        except OSError:  # It is gone, or a link is in its place.
            return False
        found = templates_left(folder) if folder.identity == left.identity else None
        if found is None:
            folder.close()
            return False
        self._folder, self._mark, self._created = folder, left, set(found)
        self._close_to_others(folder)
        return True

    def _make(self, parent: Directory) -> None:
        name = staging_name(self._job_id, secrets.token_hex(8))
        parent.make_folder(name)
        self._folder = folder = parent.folder(name)
        device, inode = folder.identity
        self._mark = StagingMark(name, device, inode, folder.mode)
        self._close_to_others(folder)
        if folder.names():
            raise OSError(None, "somebody else has put something into its staging folder")

    def _close_to_others(self, folder: Directory) -> None:
        with suppress(OSError):  # Not every file system has permissions.
            folder.set_mode(MODE_WHILE_COLLECTING | self.mark.mode & GROUP_BITS)

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Write one file, which must not be there."""
        try:
            with self.directory.create(name) as file:
                self._created.add(name)
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]
        except OSError as error:
            raise self.not_writable(error) from error

    def take_over(self, source: Directory, files: Mapping[str, tuple[str, int]]) -> None:
        """Move files in that somebody else has written and flushed.

        Args:
            source: a folder of the same file system.
            files: name there and bytes of each, by the name that it gets here, which must not be there.

        Raises:
            ServiceError: one is not there, or has another size; or the staging folder cannot be written.
        """
        try:
            for name, (there, size) in files.items():
                status = source.status(there)
                if not stat.S_ISREG(status.st_mode) or status.st_size != size:
                    raise changed_by_others(self._quoted, name)
                source.move(there, self.directory, name)
                self._created.add(name)
                self._flushed.add(name)
        except OSError as error:
            raise self.not_writable(error) from error

    def copy_from(self, source: Directory, files: Mapping[str, FileContent]) -> None:
        """Copy files from another folder; none of them may be here.

        Args:
            source: the folder.
            files: what each holds, by name.

        Raises:
            DamagedFileError: a file is missing there, or holds something else.
            ServiceError: the staging folder cannot be written.
        """
        try:
            copy_files(source, self.directory, files, self._created)
        except OSError as error:
            raise self.not_writable(error) from error

    def intact(self, files: Mapping[str, FileContent]) -> bool:
        """Whether files lie in the folder and hold what they are said to."""
        return intact(self.directory, files)

    def keep_only(self, names: set[str]) -> None:
        """Remove what an earlier server, or a copy that failed, left in the folder and nobody vouches for."""
        try:
            for name in self._created - names:
                self._remove(name)
        except OSError as error:
            raise self.not_writable(error) from error

    def _remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self.directory.remove_file(name)
        self._created.discard(name)

    def publish(self, files: dict[str, int]) -> list[str]:
        """Put the staging folder in the target's place; a reader sees the old folder or the new one, never a mixture.

        Args:
            files: name and bytes of each file that must be there, and no other may.

        Returns:
            Sentences for the client: what of the replaced folder could not be removed.

        Raises:
            ServiceError: the target cannot be replaced or written, or somebody else changed what is here; nothing was published.
        """
        assert self._parent is not None
        try:
            with self._roots.opened(self._target, self._quoted) as parent:
                if parent is None or parent.identity != self._parent.directory.identity:
                    raise ServiceError(
                        "output_not_writable",
                        f"a folder above {self._quoted!r} was moved or replaced by somebody else meanwhile; send the request again",
                        "output_dir",
                    )
                check_replaceable(parent, self._target.name, self._quoted)
                self._check_files(files)
                self._flush(files)
                warnings = put_in_place(parent, self.directory, self.mark, Target(self._target.name, self._quoted), self._job_id)
                self._created = set()  # They are the target's now.
                with suppress(OSError):  # It is published; a disk that fails now may forget that, not harm it.
                    parent.flush()
        except OSError as error:
            raise self.not_writable(error) from error
        self._parent.keep_made()
        self._close()
        return warnings

    def _check_files(self, files: dict[str, int]) -> None:
        found = {}
        for name in self.directory.names():
            status = self.directory.status(name)
            found[name] = status.st_size if stat.S_ISREG(status.st_mode) else -1
        odd = sorted(name for name in found.keys() | files.keys() if found.get(name) != files.get(name))
        if odd:
            raise changed_by_others(self._quoted, ", ".join(odd[:3]))

    def _flush(self, files: dict[str, int]) -> None:
        for_each(self.directory.flush_file, files.keys() - self._flushed, _FLUSHERS)
        self.directory.flush()

    def discard(self) -> None:
        """Remove the staging folder and the folders that were made for it, but for what others have put there."""
        if self._parent is not None:
            with suppress(OSError):
                self._remove_staging(self._parent.directory)
            self._parent.remove_made()
        self._close()

    def _remove_staging(self, parent: Directory) -> None:
        if self._folder is None or self._mark is None:
            return
        status = parent.find(self._mark.name)
        if status is None or identity_of(status) != self._mark.identity:
            # It is somewhere else: published after all, or moved by others. Where it is the target, it is whole.
            target = parent.find(self._target.name)
            if target is not None and identity_of(target) == self._mark.identity:
                return
        for name in tuple(self._created):
            self._remove(name)
        remove_if_empty(parent, self._mark.name, self._folder)

    def leave(self) -> None:
        """Keep the staging folder for a later server, and let go of it."""
        if self._parent is not None:
            self._parent.keep_made()
        self._close()

    def _close(self) -> None:
        if self._folder is not None:
            self._folder.close()
        if self._parent is not None:
            self._parent.directory.close()
        self._folder = self._parent = None

    def not_writable(self, error: OSError) -> ServiceError:
        """What a client is told when the disk refuses."""
        code, detail = write_failure(error, self._quoted)
        return ServiceError(code, detail, OUTPUT_FIELD)


def intact(folder: Directory, files: Mapping[str, FileContent]) -> bool:
    """Whether files lie in a folder and hold what they are said to."""
    try:
        return all(is_intact(folder, name, content) for name, content in files.items())
    except OSError:
        return False
