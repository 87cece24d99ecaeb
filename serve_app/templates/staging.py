"""Collects a job's files where no consumer looks, and publishes them whole with one rename.

Consumers take a templates folder that exists for a finished one. Others may write in the same folders at the same time: nothing
here follows a link, and what is not of our making is neither written to nor removed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path

from render_actor.contract.sink import OUTPUT_FIELD, write_failure
from render_actor.contract.view_files import FileContent
from serve_app.base.directory import Directory, identity_of
from serve_app.base.errors import ServiceError
from serve_app.base.output_roots import OpenParent, OutputRoots
from serve_app.templates.astray import bring_home, leads_to
from serve_app.templates.beside import model_exchanged
from serve_app.templates.copy import DamagedFileError
from serve_app.templates.file_forms import FileForm
from serve_app.templates.leftovers import remove_given_up, remove_if_empty, remove_leftovers_of, staging_name, templates_left
from serve_app.templates.places import Places
from serve_app.templates.publishing import StagingMark, Target, changed_by_others, moved_above, put_in_place
from serve_app.templates.replaceable import UNPLACED, check_file_replaceable, check_replaceable
from serve_app.templates.staged_files import ChangedFileError, StagedFiles

MODE_WHILE_COLLECTING = 0o700
GROUP_BITS = 0o7000
"""The bit among them by which files get their group from the folder above."""

_MAX_TRIES = 5


class StagingFolder:
    """A hidden folder beside the target, on the same file system, held open from ``open`` to the end; only the server's user may enter it.

    Args:
        roots: the way to the target.
        target: the folder to publish.
        job_id: part of the staging folder's name.
        quoted: the target as the client named it, for messages.
        places: where views' files go in it; None for a flat folder.
    """

    def __init__(self, roots: OutputRoots, target: Path, job_id: str, quoted: str, places: Places | None = None) -> None:
        self._roots, self._target, self._job_id, self.quoted = roots, target, job_id, quoted
        self._parent: OpenParent | None = None
        self._files: StagedFiles | None = None
        self._mark: StagingMark | None = None
        self._may_have_been_target = False
        self.places = places or {}

    @property
    def mark(self) -> StagingMark:
        """What a later server must be told to go on with this folder."""
        assert self._mark is not None
        return self._mark

    @property
    def files(self) -> StagedFiles:
        """What is collected."""
        assert self._files is not None
        return self._files

    @property
    def directory(self) -> Directory:
        """Where the files are collected."""
        return self.files.folder

    @property
    def parent(self) -> Directory:
        """The folder that it and the target lie in."""
        assert self._parent is not None
        return self._parent.directory

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
        self._parent = self._roots.open_parent(self._target, self.quoted, make=True)
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
        self._files, self._mark = StagedFiles(folder, self.places, found), left
        self._close_to_others(folder)
        return True

    def _make(self, parent: Directory) -> None:
        name = staging_name(self._job_id, secrets.token_hex(8))
        parent.make_folder(name)
        folder = parent.folder(name)
        self._files = StagedFiles(folder, self.places)
        device, inode = folder.identity
        self._mark = StagingMark(name, device, inode, folder.mode)
        self._close_to_others(folder)
        if folder.names():
            raise OSError(None, "somebody else has put something into its staging folder")

    def _close_to_others(self, folder: Directory) -> None:
        with suppress(OSError):  # Not every file system has permissions.
            folder.set_mode(MODE_WHILE_COLLECTING | self.mark.mode & GROUP_BITS)

    def write(self, name: str, *data: bytes | memoryview) -> None:
        """Write one file, which must not be there; its content may come in parts."""
        with self._told():
            self.files.write(name, *data)

    def take_over(self, source: Directory, files: Mapping[str, tuple[str, int]]) -> None:
        """Move files in that somebody else has written and flushed.

        Args:
            source: a folder of the same file system.
            files: name there and bytes of each, by the name that it gets here, which must not be there.

        Raises:
            ServiceError: one is not there, or has another size; or the staging folder cannot be written.
        """
        with self._told():
            self.files.take_over(source, files)

    def copy_from(self, source: Directory, files: Mapping[str, FileContent], places: Places | None = None) -> None:
        """Copy files from another folder; none of them may be here.

        Args:
            source: the folder.
            files: what each holds, by name.
            places: of the other folder, where it is not flat.

        Raises:
            DamagedFileError: a file is missing there, or holds something else.
            ServiceError: the staging folder cannot be written.
        """
        with self._told():
            self.files.copy_from(source, files, places or {})

    def complete(self, files: Mapping[str, FileContent]) -> None:
        """Make the copies of those files that have more than one place.

        Raises:
            ServiceError: the folder cannot be written, or somebody else has changed a file in it.
        """
        try:
            with self._told():
                self.files.complete(files)
        except DamagedFileError as error:
            raise changed_by_others(self.quoted, str(error)) from error

    def intact(self, files: Mapping[str, FileContent]) -> bool:
        """Whether files lie in the folder and hold what they are said to."""
        return self.files.intact(files)

    def keep_only(self, names: set[str]) -> None:
        """Remove what an earlier server, or a copy that failed, left in the folder and nobody vouches for."""
        with self._told():
            self.files.keep_only(names)

    def place_beside(self, output_dir: Path, files: Mapping[str, bytes], forms: Mapping[str, FileForm]) -> None:
        """Write single files outside the target, each whole or not at all; to be done right before ``publish``.

        Args:
            output_dir: that they lie below, links resolved.
            files: content by path below it.
            forms: what may be replaced, by regular expression of the path.

        Raises:
            ServiceError: one cannot be written, or something else is in its place; or the target cannot be replaced.
        """
        with self._told():
            if files:
                check_replaceable(self.parent, self._target.name, self.quoted)
            for path, data in files.items():
                form = next(form for pattern, form in forms.items() if re.fullmatch(pattern, path))
                above, name = self._roots.open_parent(output_dir / path, self.quoted, make=True), path.rpartition("/")[2]
                with above.directory as folder:
                    try:
                        check_file_replaceable(folder, name, form, f"{self.quoted.rstrip('/')}/{path}")
                        self.files.write(UNPLACED, data)
                        self.files.move_out(UNPLACED, folder, name)
                    finally:
                        above.remove_made()  # Those that hold something now stay.

    def publish(self, files: dict[str, int], *, model_beside: bool = False) -> list[str]:
        """Put the staging folder in the target's place; a reader sees the old folder or the new one, never a mixture.

        Args:
            files: path and bytes of each file that must be there, and no other may.
            model_beside: whether a mesh among them goes beside the target, just before; an earlier one there goes in any case.

        Returns:
            Sentences for the client: what of the replaced folder could not be removed.

        Raises:
            ServiceError: the target cannot be replaced or written, or somebody else changed what is here; nothing was published.
        """
        assert self._parent is not None
        with self._told(), self._roots.opened(self._target, self.quoted) as parent:
            if parent is None or parent.identity != self._parent.directory.identity:
                raise moved_above(self.quoted)
            check_replaceable(parent, self._target.name, self.quoted)
            self.files.check(files)
            self.files.flush(files)
            with model_exchanged(parent, self.directory, self._job_id, self.quoted) if model_beside else nullcontext():
                target, self._may_have_been_target = Target(self._target.name, self.quoted), True
                is_reached = partial(leads_to, self._roots, self._target, self.quoted, parent.identity, self.mark.identity)
                warnings = put_in_place(parent, self.directory, self.mark, target, self._job_id, is_reached)
            self.files.give_away()
            with suppress(OSError):  # It is published; a disk that fails now may forget that, not harm it.
                parent.flush()
        self._parent.keep_made()
        self._close()
        return warnings

    def discard(self) -> None:
        """Remove the staging folder and the folders that were made for it, but for what others have put there."""
        if self._parent is not None:
            with suppress(OSError):
                self._remove_staging(self._parent.directory)
                remove_given_up(self._parent.directory)
            self._parent.remove_made()
        self._close()

    def _remove_staging(self, parent: Directory) -> None:
        if self._files is None or self._mark is None:
            return
        status = parent.find(self._mark.name)
        if status is None or identity_of(status) != self._mark.identity:
            # It is somewhere else: published after all, or moved by others. Where it is the target, it is whole.
            target = parent.find(self._target.name)
            if target is not None and identity_of(target) == self._mark.identity:
                return
        self._files.remove_all()
        if not remove_if_empty(parent, self._mark.name, self._files.folder) and self._may_have_been_target:
            bring_home(self._files.folder, parent, self._target.name, self.quoted, self._job_id)
            remove_if_empty(parent, self._mark.name, self._files.folder)

    def leave(self) -> None:
        """Keep the staging folder for a later server, and let go of it."""
        if self._parent is not None:
            self._parent.keep_made()
        self._close()

    def _close(self) -> None:
        if self._files is not None:
            self._files.folder.close()
        if self._parent is not None:
            self._parent.directory.close()
        self._files = self._parent = None

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the disk says into what a client is told."""
        try:
            yield
        except ChangedFileError as error:
            raise changed_by_others(self.quoted, str(error)) from error
        except OSError as error:
            raise self.not_writable(error) from error

    def not_writable(self, error: OSError) -> ServiceError:
        """What a client is told when the disk refuses."""
        code, detail = write_failure(error, self.quoted)
        return ServiceError(code, detail, OUTPUT_FIELD)
