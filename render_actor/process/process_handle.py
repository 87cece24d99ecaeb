"""Sees processes of this machine end: by the kernel's word, not by asking again and again."""

from __future__ import annotations

import os
import select
import signal
import threading


class ProcessHandle:
    """A process, which need not be a child, by a handle of the kernel's: its number may come to mean another one, this never does.

    Args:
        pid: process id of a process that runs; where it has ended just now, the handle says so.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor: int | None = None
        try:
            self._descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return

    def wait_for_end(self, timeout_sec: float | None) -> bool:
        """Wait until it has ended.

        Args:
            timeout_sec: seconds to wait at most, or None for as long as it takes.

        Returns:
            Whether it has ended.
        """
        if self._descriptor is None:
            return True
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(None if timeout_sec is None else timeout_sec * 1000))

    def kill(self) -> None:
        """Kill it, stopped or not; one that is gone is fine."""
        if self._descriptor is None:
            return
        try:
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
        except ProcessLookupError:
            return

    def __del__(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)


def end_with(pid: int) -> None:
    """Have this process killed as soon as another one ends.

    A Blender whose replica is gone answers nobody, and its views are given to another: it must not go on beside that.
    """
    owner = ProcessHandle(pid)

    def watch() -> None:
        owner.wait_for_end(None)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="end-with-owner", daemon=True).start()
