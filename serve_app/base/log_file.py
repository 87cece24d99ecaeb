"""Appends lines to log files on a thread of its own: who logs never waits for a disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MAX_PENDING_CHARACTERS = 1 << 20
"""Text of one file that may wait for a slow disk; what comes beyond it is lost."""

MAX_OPEN_FILES = 256
"""Files that stay open between two lines. Thousands of jobs may wait, and a process has only so many descriptors."""

CLOSE_SEC = 5.0
"""For how long ``close`` waits for a disk: no job hangs for its log."""

# One thread for all files: the lines of a file stay in order, and only it touches descriptors.
_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="log-files")
_open: dict[LogFile, int] = {}
"""Descriptors, least recently used first."""


class LogFile:
    """One log file. It may be removed or renamed at any time: the next line is in a new one.

    Args:
        path: made with its folder when the first line is written.
        on_error: called on another thread with the reason when a line is lost, the first time alone.
    """

    def __init__(self, path: Path, on_error: Callable[[str], None]) -> None:
        self._path, self._on_error = path, on_error
        self._lock = threading.Lock()
        self._pending: list[str] = []
        self._pending_characters = 0
        self._closed = self._failed = self._torn = False

    def append(self, line: str) -> None:
        """Have a line written soon; returns at once. After ``close`` it is written all the same."""
        with self._lock:
            full = self._pending_characters > MAX_PENDING_CHARACTERS
            if not full:
                self._pending.append(line + "\n")
                self._pending_characters += len(line) + 1
            begins = len(self._pending) == 1 and not full
        if full:
            self._fail("the disk does not keep up")
        elif begins:
            with contextlib.suppress(RuntimeError):  # The interpreter ends.
                _THREAD.submit(self._write_pending)

    async def close(self) -> None:
        """Return when every line so far is in the file, or cannot be, or ``CLOSE_SEC`` have passed."""
        self._closed = True
        written = asyncio.wrap_future(_THREAD.submit(self._write_pending))
        await asyncio.wait({written}, timeout=CLOSE_SEC)

    def _write_pending(self) -> None:
        with self._lock:
            pending, self._pending, self._pending_characters = self._pending, [], 0
        try:
            if pending:
                self._write("".join(pending).encode("utf-8", "backslashreplace"))
        except OSError as error:
            self._fail(error.strerror or str(error))
            self._close_descriptor()
        if self._closed:
            self._close_descriptor()

    def _write(self, data: bytes) -> None:
        descriptor = self._descriptor()
        if self._torn:
            data = b"\n" + data
        while data:
            data = data[os.write(descriptor, data) :]
            self._torn = bool(data)

    def _descriptor(self) -> int:
        descriptor = _open.pop(self, None)
        if descriptor is None or not self._is_at_path(descriptor):
            if descriptor is not None:
                os.close(descriptor)
            try:
                descriptor = self._opened()
            except FileNotFoundError:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                descriptor = self._opened()
        _open[self] = descriptor
        while len(_open) > MAX_OPEN_FILES:
            os.close(_open.pop(next(iter(_open))))
        return descriptor

    def _opened(self) -> int:
        # Not blocking: a pipe in place of the file is an error, and no wait for its reader. No link is followed.
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW, 0o666)

    def _is_at_path(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except OSError:
            return False

    def _close_descriptor(self) -> None:
        descriptor = _open.pop(self, None)
        if descriptor is not None:
            os.close(descriptor)

    def _fail(self, reason: str) -> None:
        if not self._failed:
            self._failed = True
            self._on_error(reason)
