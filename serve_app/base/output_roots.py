"""The folders that outputs must lie in, and the only way into them."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from serve_app.base.directory import Directory, identity_of
from serve_app.base.errors import ServiceError
from serve_app.base.inside import is_inside
from serve_app.base.own_folders import Identities, OwnFolders
from serve_app.base.settings import Settings

_MAX_MADE = 64
"""Folders that are made for one output; each is held open while the job runs."""


@dataclass
class OpenParent:
    """The folder that an output lies in, held open.

    Attributes:
        directory: the folder.
        made: each folder that was made on the way, as the open folder above it and its name, outermost first.
    """

    directory: Directory
    made: list[tuple[Directory, str]] = field(default_factory=list)

    def remove_made(self) -> None:
        """Remove the folders that were made on the way and are empty; close all but ``directory``."""
        try:
            for above, name in reversed(self.made):
                above.remove_folder(name)
        except OSError:  # Somebody else has put something into it meanwhile.
            pass
        self.keep_made()

    def keep_made(self) -> None:
        """Leave the folders that were made on the way; close all but ``directory``."""
        for above, _ in self.made:
            above.close()
        self.made = []


class OutputRoots:
    """Where requests may have files written.

    Args:
        roots: links resolved.
        own: what belongs to the server itself.
        results: the folder of its own that holds the results of jobs that name no output folder; None for none.
    """

    def __init__(self, roots: list[Path], own: OwnFolders, results: Path | None = None) -> None:
        self._roots, self._own, self._results = roots, own, results

    @classmethod
    def of_server(cls, settings: Settings) -> OutputRoots:
        """``RENDER_OUTPUT_ROOTS`` without the server's own folders, and the folder of results."""
        return cls(settings.outermost_output_roots, OwnFolders.of_server(settings), settings.results_dir)

    def check(self, target: Path, quoted: str, identities: Identities | None = None) -> None:
        """Refuse a folder of the server itself.

        Args:
            target: the folder that will be published, links resolved; it need not be there.
            quoted: as the client named it.
            identities: see ``OwnFolders.touched_by``.

        Raises:
            ServiceError: ``output_reserved``.
        """
        if self._own.touched_by(target, identities):
            raise _reserved(quoted)

    def check_named(self, target: Path, quoted: str) -> None:
        """Refuse a folder that a request names and that is, holds or lies in the folder of results, which ``open_parent`` lets pass.

        Args:
            target: the folder that will be published, links resolved.
            quoted: as the client named it.

        Raises:
            ServiceError: ``output_reserved``.
        """
        if self._results is not None and (is_inside(self._results, target) or is_inside(target, self._results)):
            raise _reserved(quoted)

    @contextmanager
    def opened(self, target: Path, quoted: str) -> Iterator[Directory | None]:
        """The folder that a target lies in, open for as long as the context lasts; None where it is not there."""
        try:
            parent = self.open_parent(target, quoted)
        except FileNotFoundError:
            yield None
            return
        with parent.directory as directory:
            yield directory

    def open_parent(self, target: Path, quoted: str, *, make: bool = False) -> OpenParent:
        """Walk to the folder that a target lies in, from its root and without following a link.

        One step at a time, which also makes what is missing and sees each folder on the way: none of them may be the server's own.

        Args:
            target: a folder below a root, links resolved when it was accepted.
            quoted: as the client named it.
            make: whether folders that are missing are made.

        Raises:
            ServiceError: ``output_reserved``; or ``path_outside_roots``, when it lies below none of the roots (any more).
            OSError: a folder on the way is a link or a file, cannot be made or entered; ``FileNotFoundError`` where one is missing, or is
                moved or removed meanwhile, as by a job that gives up a folder that it has made.
        """
        in_results = self._results is not None and self._results in target.parents
        root = self._results if in_results else next((root for root in self._roots if root in target.parents), None)
        if root is None:
            raise ServiceError(
                "path_outside_roots",
                f"output_dir {quoted!r} is no longer below a folder that this server may write (RENDER_OUTPUT_ROOTS)",
                "output_dir",
            )
        own, above_own = identities = (frozenset(), frozenset()) if in_results else self._own.identities()
        if not in_results:
            self.check(target, quoted, identities)
        if make:
            root.mkdir(parents=True, exist_ok=True)
        here = OpenParent(Directory.open(root, to_pass=True))
        try:
            for name in target.parent.relative_to(root).parts:
                _step(here, name, make=make)
                if here.directory.identity in own:
                    raise _reserved(quoted)
            with here.directory as passed:
                here.directory = passed.folder(".")
            if identity_of(target.parent.stat()) != here.directory.identity:
                raise FileNotFoundError(errno.ENOENT, "a folder above it was moved while it was opened")
            status = here.directory.find(target.name)
            if status is not None and identity_of(status) in own | above_own:
                raise _reserved(quoted)
        except BaseException:
            here.remove_made()
            here.directory.close()
            raise
        return here


def _step(here: OpenParent, name: str, *, make: bool) -> None:
    """Go down by one folder, and make it if it is missing."""
    above, made = here.directory, False
    try:
        below = _folder(above, name)
    except FileNotFoundError:
        if not make:
            raise
        if len(here.made) == _MAX_MADE:
            raise OSError(errno.ENAMETOOLONG, f"more than {_MAX_MADE} folders above it are missing; make some of them") from None
        with contextlib.suppress(FileExistsError):  # Another job was quicker; the folder is its to remove.
            above.make_folder(name)
            here.made.append((above, name))
            made = True
        below = _folder(above, name)
    here.directory = below
    if not made:
        above.close()


def _folder(above: Directory, name: str) -> Directory:
    try:
        return above.folder(name, to_pass=True)
    except NotADirectoryError as error:  # What a link is, too, when it must not be followed.
        raise NotADirectoryError(error.errno, f"{name!r} in it is a link or a file") from error


def _reserved(quoted: str) -> ServiceError:
    return ServiceError(
        "output_reserved",
        f"output_dir {quoted!r} is, holds or lies in a folder of the server itself (its data, logs, code or environment); "
        "use another output_dir",
        "output_dir",
    )
