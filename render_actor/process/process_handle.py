"""Waits for the end of processes on this machine by the kernel's handles, without polling."""

from __future__ import annotations

import os
import select
import signal
import threading


class ProcessHandle:
    """A handle of a process, which need not be a child. A process id can be given to another process later; a handle cannot.

    Args:
        pid: process id. If no process has it any more, the handle says that the process has ended.
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
        """Kill it, stopped or not; does nothing when it has ended."""
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

    A Blender whose replica has ended answers nobody, and its views are given to another Blender: it must not go on.

    Args:
        pid: of the other process.
    """
    owner = ProcessHandle(pid)

    def watch() -> None:
        owner.wait_for_end(None)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="end-with-owner", daemon=True).start()
