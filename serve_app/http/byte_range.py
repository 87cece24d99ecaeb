"""``Range`` (RFC 9110): which bytes of a file a client asks for."""

from __future__ import annotations

import re

from serve_app.base.errors import RangeError

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)


def byte_range(asked: str, length: int, if_range: bytes | None, etag: bytes) -> tuple[int, int] | None:
    """The first byte that is asked for, and the one after the last; None for all.

    Several ranges at once, and what is no range of bytes, are answered whole, as RFC 9110 allows; so is one of a file that has another
    ETag by now.

    Args:
        asked: ``Range``; empty where there is none.
        length: bytes of the file.
        if_range: ``If-Range``, where there is one.
        etag: of the file, as in its header.

    Raises:
        RangeError: no byte lies in it.
    """
    found = _RANGE.fullmatch(asked.replace(" ", ""))
    if found is None or (if_range is not None and if_range.strip() != etag):
        return None
    first, last = found.groups()
    if first:
        if last and int(last) < int(first):
            return None
        start, stop = int(first), min(length, int(last) + 1 if last else length)
    elif last:
        start, stop = max(0, length - int(last)), length
    else:
        return None
    if start >= stop:
        raise RangeError(length)
    return start, stop
