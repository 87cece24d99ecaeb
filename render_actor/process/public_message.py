"""What of an exception a client may read: libraries put paths, process ids and addresses of the machine into their messages."""

from __future__ import annotations

import re

_MOST = 500
_FOLDERS = re.compile(r"[^\s'\"(]*/")


def in_short(error: BaseException) -> str:
    """The type of an exception and the first line of its message, with files named without their folders."""
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")[:_MOST]
    return f"{type(error).__name__}: {_FOLDERS.sub('', line)}" if line else type(error).__name__
