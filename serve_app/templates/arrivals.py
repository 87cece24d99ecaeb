"""The folder beside a job's staging folder that renderers write into, and from which their files are taken over.

It is a folder of its own because a renderer that was given up may still hold it open: what that one writes later can be in no published
folder, and once this folder is removed, nowhere.
"""

from __future__ import annotations

import secrets
from contextlib import suppress

from render_actor.contract.sink import PROBE, attempt_names
from render_actor.contract.types import Sink
from render_actor.contract.view_files import RenderedView, file_names
from serve_app.base.directory import Directory
from serve_app.templates.leftovers import arrivals_name, remove_templates
from serve_app.templates.staging import GROUP_BITS, MODE_WHILE_COLLECTING, StagingFolder

_MAX_TRIES = 20
"""A renderer whose answer nobody awaits may be about to write one more file."""


class Arrivals:
    """A hidden folder, held open from ``open`` to ``remove``; only the server's user may enter it.

    Args:
        staging: the job's staging folder, open for longer than this.
        job_id: part of the folder's name.
    """

    def __init__(self, staging: StagingFolder, job_id: str) -> None:
        self._staging, self._parent = staging, staging.parent
        self._name, self._nonce = arrivals_name(job_id, secrets.token_hex(8)), secrets.token_hex(16)
        self._folder: Directory | None = None

    def open(self) -> None:
        """Make the folder.

        Raises:
            ServiceError: it cannot be made.
        """
        try:
            self._make()
        except OSError as error:
            raise self._staging.not_writable(error) from error

    def _make(self) -> None:
        self._parent.make_folder(self._name)
        self._folder = folder = self._parent.folder(self._name)
        with suppress(OSError):  # Not every file system has permissions.
            folder.set_mode(MODE_WHILE_COLLECTING | folder.mode & GROUP_BITS)
        with folder.create(PROBE) as probe:
            probe.write(self._nonce.encode())

    def sink(self, *, required: bool) -> Sink:
        """What a renderer must be told to write here.

        Args:
            required: whether one that cannot write here fails.
        """
        return Sink(str(self._parent.path / self._name), self._nonce, self._staging.quoted, required)

    def take(self, view: RenderedView, fence: int) -> None:
        """Move a view's files into the staging folder.

        Args:
            view: that lies here.
            fence: of the attempt that brought it.

        Raises:
            ServiceError: a file is not there or has another size, or the staging folder cannot be written.
        """
        assert self._folder is not None
        there = zip(attempt_names(view.view, fence, view.kinds), (content.size for content in view.files), strict=True)
        self._staging.take_over(self._folder, dict(zip(file_names(view.view, view.kinds), there, strict=True)))

    def remove(self) -> None:
        """Remove the folder, with what renderers left in it; what others have put there stays."""
        if self._folder is None:
            return
        for _ in range(_MAX_TRIES):
            if remove_templates(self._parent, self._name, self._folder, half_written=True):
                break
        self._folder.close()
        self._folder = None
