"""Exchanges two entries of a folder, also where the file system cannot do so in one step."""

from __future__ import annotations

import errno
from collections.abc import Callable

from serve_app.base.directory import Directory


def swap(parent: Directory, new: str, old: str, aside: Callable[[], str]) -> Callable[[], None] | None:
    """Exchange two entries, in one step where the file system can (not on NFS, for one).

    Elsewhere there is a moment without ``old``: what was at ``new`` follows at once. What was moved aside and cannot go back, since
    somebody has made another ``old`` in that moment, stays under its name of ``aside``.

    Args:
        parent: holds both.
        new: name of the one.
        old: name of the other.
        aside: gives a name, each time another one, that is known as a leftover.

    Returns:
        What undoes it, or raises ``OSError``; None when somebody else has taken or made ``old`` meanwhile: try again.

    Raises:
        OSError: nothing was exchanged.
    """

    def exchange() -> None:
        if not parent.exchange(new, old):
            _in_steps(parent, new, old, aside())

    try:
        exchange()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
            return None
        raise
    return exchange


def _in_steps(parent: Directory, new: str, old: str, aside: str) -> None:
    parent.rename(old, aside)
    try:
        parent.rename(new, old)
    except OSError:
        parent.rename(aside, old)
        raise
    parent.rename(aside, new)
