"""How the command can fail as a whole, and the exit code of each way."""

from __future__ import annotations

ALL_PUBLISHED, SOME_FAILED, WRONG_USE, NO_SERVER, INTERRUPTED = 0, 1, 2, 3, 130


class UsageError(Exception):
    """The command cannot be carried out as it was called."""
