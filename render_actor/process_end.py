"""Sees processes of this machine end: by the kernel's word, not by asking again and again."""

from __future__ import annotations

import os
import select
import signal
import threading


def wait_for_end(pid: int, timeout_sec: float | None) -> bool:
    """Wait until a process has ended; it need not be a child.

    Args:
        pid: process id.
        timeout_sec: seconds to wait at most, or None for as long as it takes.

    Returns:
        Whether it has ended.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(None if timeout_sec is None else timeout_sec * 1000))
    finally:
        os.close(descriptor)


def kill(pid: int) -> None:
    """Kill a process, stopped or not; one that is gone is fine."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def end_with(pid: int) -> None:
    """Have this process killed as soon as another one ends.

    A Blender whose replica is gone answers nobody, and its views are given to another: it must not go on beside that.
    """

    def watch() -> None:
        wait_for_end(pid, None)
        kill(os.getpid())

    threading.Thread(target=watch, name="end-with-owner", daemon=True).start()
