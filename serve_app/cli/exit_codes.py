"""How a command can end, for scripts; the same for all commands that ask a server."""

from __future__ import annotations

DONE, FAILED, WRONG_USE, NO_SERVER, INTERRUPTED = 0, 1, 2, 3, 130

PIPE_CLOSED = 141
"""Who read the output wants no more of it: what a shell tells of a program that SIGPIPE has ended."""


class UsageError(Exception):
    """The command cannot be carried out as it was called."""
