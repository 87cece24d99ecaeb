"""The mesh that lies beside a published folder: exchanged just before the folder is, and changed back where that fails.

As with the folder, what is looked at before a rename may be something else in the moment of the rename: it is looked at again where it
then lies, and what is no mesh of ours is moved back.
"""

from __future__ import annotations

import errno
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from serve_app.base.directory import Directory
from serve_app.templates.file_forms import MODEL_PLY
from serve_app.templates.layouts.sam6d import MODEL
from serve_app.templates.leftovers import mesh_name
from serve_app.templates.replaceable import check_file_replaceable, is_of_form
from serve_app.templates.swap import swap

_MAX_TRIES = 5


@contextmanager
def model_exchanged(parent: Directory, staging: Directory, job_id: str, quoted: str) -> Iterator[None]:
    """Have the mesh beside a target that is published meanwhile, and what was there before where that fails.

    Args:
        parent: the folder that both lie in.
        staging: the job's folder, which may hold a mesh, flushed; where it holds none, an earlier one only goes.
        job_id: whose it is.
        quoted: ``parent`` as the client named it.

    Raises:
        ServiceError: what lies there is no mesh of ours; nothing was changed.
        OSError: as ``ServiceError``.
    """
    model = _Model(parent, job_id, quoted)
    model.put(staging)
    try:
        yield
    except BaseException:
        model.undo()
        raise
    model.finish()


class _Model:
    """``model_mm.ply`` in the folder above a target, while the target is published.

    Args:
        parent: that folder.
        job_id: whose mesh comes, or whose templates come without one.
        quoted: ``parent`` as the client named it.
    """

    def __init__(self, parent: Directory, job_id: str, quoted: str) -> None:
        self._parent, self._job_id, self._quoted = parent, job_id, quoted
        self._name = self._new_name()  # Of the new mesh before it is in place, and of the old one afterwards.
        self._undo: Callable[[], None] | None = None

    def _new_name(self) -> str:
        return mesh_name(self._job_id, secrets.token_hex(8))

    def put(self, staging: Directory) -> None:
        """Put a new mesh in the place of an earlier one, which ``finish`` removes."""
        new = staging.find(MODEL) is not None
        if new:
            staging.move(MODEL, self._parent, self._name)
        try:
            for _ in range(_MAX_TRIES):
                if self._changed_place(new=new):
                    return
            raise OSError(errno.EBUSY, f"{MODEL} beside it changes all the time")
        except BaseException:
            self.undo()
            raise

    def _changed_place(self, *, new: bool) -> bool:
        """Whether it could be done; otherwise somebody else was quicker."""
        parent, name = self._parent, self._name
        if parent.find(MODEL) is None:
            if new:
                try:
                    parent.rename(name, MODEL)
                except FileExistsError:
                    return False
                self._undo = lambda: parent.rename(MODEL, name)
            return True
        if not new and not is_of_form(parent, MODEL, MODEL_PLY):
            return True  # It never was ours: nobody takes it for a part of these templates.
        check_file_replaceable(parent, MODEL, MODEL_PLY, f"{self._quoted.rstrip('/')}/{MODEL}")
        undo = swap(parent, name, MODEL, self._new_name) if new else self._taken_away()
        if undo is None:
            return False
        self._undo = undo
        if not is_of_form(parent, name, MODEL_PLY):  # It is another one than the one that was looked at.
            self._change_back()
            return False
        return True

    def _taken_away(self) -> Callable[[], None] | None:
        parent, name = self._parent, self._name
        try:
            parent.rename(MODEL, name)
        except FileNotFoundError:
            return None
        return lambda: parent.rename(name, MODEL)

    def _change_back(self) -> None:
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()

    def undo(self) -> None:
        """Have the earlier mesh back, or none where there was none; the new one goes."""
        with suppress(OSError):
            self._change_back()
            self._remove()

    def finish(self) -> None:
        """The folder is published: the earlier mesh goes."""
        self._undo = None
        with suppress(OSError):
            self._remove()

    def _remove(self) -> None:
        if self._parent.find(self._name) is not None and is_of_form(self._parent, self._name, MODEL_PLY):
            self._parent.remove_file(self._name)
