"""SHA-256 of files, each of which is read again only when it may have changed."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from serve_app.base.regular_file import open_regular_file, sha256_of_open_file

MAX_REMEMBERED = 10_000
"""Digests kept; the one used longest ago goes first."""

_SETTLED_NS = 2 * 10**9
"""Age that a file's last change must have for its digest to be remembered.

Each later change moves the file's times to the time of that change, but no finer than the file system counts: a few milliseconds, 2 s
on the coarsest. A file that was just written could therefore be changed once more without a trace; one that has been left alone for
longer than that cannot. What a program writes through a memory map may move the times only later: such a file is seen as changed when the
kernel has written it back.
"""

_Stamp = tuple[int, int, int, int, int]


class NotRememberedError(LookupError):
    """The digest of a file is not known without reading it."""


class FileDigests:
    """Digests of regular files, remembered by device, inode, size and times of last change. May be used by several threads.

    Args:
        sha256: reads an open file of at most so many bytes.
        now_ns: nanoseconds since the epoch.
    """

    def __init__(self, sha256: Callable[[BinaryIO, int], str] = sha256_of_open_file, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._sha256, self._now_ns, self._lock = sha256, now_ns, threading.Lock()
        self._digests: OrderedDict[_Stamp, str] = OrderedDict()

    def sha256(self, path: Path, limit: int) -> str:
        """SHA-256 of a file, in hex.

        Args:
            path: absolute, links resolved.
            limit: bytes that it may have.

        Raises:
            OSError: it is no regular file, or cannot be read.
            ValueError: it is larger than ``limit``.
        """
        with open_regular_file(path) as file:
            # Of the opened file, not of the path: what the path leads to may change at any time.
            stamp, opened = _stamp(file), self._now_ns()
            known = self._find(stamp, limit)
            if known is not None:
                return known
            digest = self._sha256(file, limit)
            if opened - max(stamp[-2:]) > _SETTLED_NS and _stamp(file) == stamp:
                with self._lock:
                    self._digests[stamp] = digest
                    while len(self._digests) > MAX_REMEMBERED:
                        self._digests.popitem(last=False)
        return digest

    def remembered(self, path: Path, limit: int) -> str:
        """As ``sha256``, and ``NotRememberedError`` where the file would have to be read."""
        with open_regular_file(path) as file:
            known = self._find(_stamp(file), limit)
        if known is None:
            raise NotRememberedError(path.name)
        return known

    def _find(self, stamp: _Stamp, limit: int) -> str | None:
        with self._lock:
            digest = self._digests.get(stamp) if stamp[2] <= limit else None
            if digest is not None:
                self._digests.move_to_end(stamp)
        return digest


def _stamp(file: BinaryIO) -> _Stamp:
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
