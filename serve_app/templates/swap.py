"""Exchanges two entries of a folder, also where the file system cannot do so in one step."""

from __future__ import annotations

import errno
from collections.abc import Callable

from serve_app.base.directory import Directory


def swap(parent: Directory, new: str, old: str) -> Callable[[], None] | None:
    """Exchange two entries, in one step where the file system can (not on NFS, for one).

    Elsewhere there is a moment without ``old``: what was at ``new`` follows at once.

    Args:
        parent: holds both.
        new: name of the one.
        old: name of the other.

    Returns:
        What undoes it; None when somebody else has taken or made ``old`` meanwhile: try again.

    Raises:
        OSError: nothing was exchanged.
    """
    try:
        if not parent.exchange(new, old):
            _in_steps(parent, new, old)
            return lambda: _in_steps(parent, new, old)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
            return None
        raise
    return lambda: _again(parent, new, old)


def _again(parent: Directory, new: str, old: str) -> None:
    parent.exchange(new, old)


def _in_steps(parent: Directory, new: str, old: str) -> None:
    aside = f"{new}.old"
    parent.rename(old, aside)
    try:
        parent.rename(new, old)
    except OSError:
        parent.rename(aside, old)
        raise
    parent.rename(aside, new)
