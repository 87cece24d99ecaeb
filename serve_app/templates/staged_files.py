"""The files in a job's staging folder, each at the place that its layout gives it."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress

from render_actor.contract.view_files import FileContent
from serve_app.base.aio import for_each
from serve_app.base.directory import Directory
from serve_app.templates.copy import FileCopy, copy_files, is_intact
from serve_app.templates.places import Places
from serve_app.templates.replaceable import Contents

_FLUSHERS = 8
"""Files flushed at once: a disk takes many small flushes together as fast as one."""


class ChangedFileError(Exception):
    """A file is not what was written; the message names it."""


class StagedFiles:
    """What this server has written into a folder, and only that: what others put there is neither written to nor removed.

    Files are named as ``file_names`` names them, or by their paths, which for files that are no view's is the same. Every method raises
    ``OSError`` where the disk refuses.

    Args:
        folder: open; it is closed with this.
        places: where views' files go.
        left: what an earlier server wrote into it.
    """

    def __init__(self, folder: Directory, places: Places, left: Contents | None = None) -> None:
        self.folder = folder
        self._places = places
        self._paths = set(left.templates) if left else set[str]()
        self._folders = set(left.folders) if left else set[str]()
        self._flushed = set[str]()

    def _place(self, name: str) -> str:
        return place_of(self._places, name)

    def _ready(self, name: str) -> str:
        """The place of a file that is about to be made; its folder is there."""
        path = self._place(name)
        self._make_folder(path)
        return path

    def _make_folder(self, path: str) -> None:
        above, _, _ = path.rpartition("/")
        if above and above not in self._folders:
            with suppress(FileExistsError):  # Another thread was quicker; or there is something else, which making the file will meet.
                self.folder.make_folder(above)
            self._folders.add(above)

    def write(self, name: str, *data: bytes | memoryview) -> None:
        """Write one file, which must not be there; its content may come in parts."""
        path = self._ready(name)
        with self.folder.create(path) as file:
            self._paths.add(path)
            for part in data:
                view = memoryview(part)
                while view:
                    view = view[file.write(view) :]

    def move_out(self, path: str, target: Directory, name: str) -> None:
        """Flush a file and move it into another folder of the same file system, in the place of the one that is there, if any."""
        self.folder.flush_file(path)
        self.folder.replace(path, target, name)
        self._paths.discard(path)
        target.flush()

    def take_over(self, source: Directory, files: Mapping[str, tuple[str, int]]) -> None:
        """Move files in that somebody else has written and flushed; see ``StagingFolder.take_over``.

        Raises:
            ChangedFileError: one has another size, or is no file.
        """
        for name, (there, size) in files.items():
            status = source.status(there)
            if not stat.S_ISREG(status.st_mode) or status.st_size != size:
                raise ChangedFileError(name)
            path = self._ready(name)
            source.move(there, self.folder, path)
            self._paths.add(path)
            self._flushed.add(path)

    def copy_from(self, source: Directory, files: Mapping[str, FileContent], places: Places) -> None:
        """Copy files from another folder; none of them may be here.

        Args:
            source: the folder.
            files: what each holds, by name.
            places: of the other folder.

        Raises:
            DamagedFileError: a file is missing there, or holds something else.
        """
        self._copy(source, [FileCopy(place_of(places, name), self._ready(name), content) for name, content in files.items()])

    def copy_to(self, target: Directory, files: Mapping[str, FileContent]) -> None:
        """Copy files into a flat folder; none of them may be there.

        Raises:
            DamagedFileError: a file is missing here, or holds something else.
        """
        copy_files(self.folder, target, [FileCopy(self._place(name), name, content) for name, content in files.items()])

    def _copy(self, source: Directory, files: Iterable[FileCopy]) -> None:
        copy_files(source, self.folder, files, self._paths)

    def complete(self, files: Mapping[str, FileContent]) -> None:
        """Make the copies of those files that have more than one place.

        Raises:
            DamagedFileError: a file holds something else.
        """
        copies = [
            FileCopy(first, path, content)
            for name, content in files.items()
            for first, *others in [self._places.get(name, (name,))]
            for path in others
        ]
        for copy in copies:
            self._make_folder(copy.here)
        self._copy(self.folder, copies)

    def intact(self, files: Mapping[str, FileContent]) -> bool:
        """Whether files lie in the folder and hold what they are said to."""
        return intact(self.folder, {self._place(name): content for name, content in files.items()})

    def keep_only(self, names: set[str]) -> None:
        """Remove all files but some."""
        for path in self._paths - {self._place(name) for name in names}:
            self._remove(path)

    def remove_all(self) -> None:
        """Remove what was written."""
        for path in tuple(self._paths):
            self._remove(path)
        for below in self._folders:
            with suppress(OSError):  # What others have put into it stays.
                self.folder.remove_folder(below)

    def _remove(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self.folder.remove_file(path)
        self._paths.discard(path)

    def check(self, files: Mapping[str, int]) -> None:
        """See that certain files are in the folder, and nothing else is.

        Args:
            files: bytes of each by path.

        Raises:
            ChangedFileError: something is missing, has another size, or was put there by others.
        """
        folders = {path.rpartition("/")[0] for path in files} - {""}
        found = dict[str, int]()
        for name in self.folder.names():
            if name not in folders or not stat.S_ISDIR(self.folder.status(name).st_mode):
                found[name] = _size(self.folder, name)
                continue
            with self.folder.folder(name) as below:
                found |= {f"{name}/{inner}": _size(below, inner) for inner in below.names()}
        odd = sorted(path for path in found.keys() | files.keys() if found.get(path) != files.get(path))
        if odd:
            raise ChangedFileError(", ".join(odd[:3]))

    def flush(self, paths: Iterable[str]) -> None:
        """Return when files, and the folders that they lie in, are on disk."""
        paths = set(paths)
        for_each(self.folder.flush_file, paths - self._flushed, _FLUSHERS)
        for below in {path.rpartition("/")[0] for path in paths} - {""}:
            with self.folder.folder(below) as opened:
                opened.flush()
        self.folder.flush()

    def give_away(self) -> None:
        """The folder is published: nothing in it is this job's to remove any more."""
        self._paths, self._folders = set(), set()


def place_of(places: Places, name: str) -> str:
    """The first path of a file; of one without a place, its name."""
    return places.get(name, (name,))[0]


def placed(places: Places, files: Mapping[str, FileContent]) -> dict[str, FileContent]:
    """What each file holds by path, copies and all."""
    return {path: content for name, content in files.items() for path in places.get(name, (name,))}


def _size(folder: Directory, name: str) -> int:
    """Bytes of a regular file; -1 of anything else."""
    status = folder.status(name)
    return status.st_size if stat.S_ISREG(status.st_mode) else -1


def intact(folder: Directory, files: Mapping[str, FileContent]) -> bool:
    """Whether files lie in a folder, by path, and hold what they are said to."""
    try:
        return all(is_intact(folder, path, content) for path, content in files.items())
    except OSError:
        return False
