"""The part of an exception that a client may read: libraries put paths and other facts of the machine into their messages."""

from __future__ import annotations

import re

_MAX_CHARS = 500
_FOLDERS = re.compile(r"[^\s'\"(]*/")


def public_message(error: BaseException) -> str:
    """The exception's type and the first line of its message (500 characters at most), with files named without their folders."""
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")[:_MAX_CHARS]
    return f"{type(error).__name__}: {_FOLDERS.sub('', line)}" if line else type(error).__name__
