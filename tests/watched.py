"""Runs Blender in a process of its own, and sees when it hangs."""

from __future__ import annotations

import subprocess
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import psutil

_IDLE_SEC = 60.0
"""A process that works has had some CPU in so long, however busy the machine is."""

_SOME_CPU_SEC = 0.1


def run_blender(command: Sequence[str], folder: Path, idle_sec: float = _IDLE_SEC) -> None:
    """Run a command that renders, once more where it hangs.

    About once in a hundred thousand renders the threads of Cycles wait for each other for ever. A server replaces such a renderer after
    ``RENDER_VIEW_TIMEOUT_SEC``; a process without a server has nobody who would.

    Args:
        command: to run.
        folder: where it runs.
        idle_sec: it hangs when it has had no CPU for so long.

    Raises:
        AssertionError: it ended with another code than 0, or hung twice.
    """
    for _ in range(2):
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
            code = _code_of(process, idle_sec)
            output.seek(0)
            said = output.read()[-4000:].decode(errors="replace")
        if code is not None:
            assert code == 0, said
            return
        warnings.warn(f"Blender hung; it had said last: {said[-300:]}", stacklevel=2)
    raise AssertionError(f"it hung twice: {said}")


def _code_of(process: subprocess.Popen[bytes], idle_sec: float) -> int | None:
    """Its exit code; None where it hung, and was killed."""
    watched, used, since = psutil.Process(process.pid), 0.0, time.monotonic()
    try:
        while True:
            try:
                return process.wait(min(1.0, idle_sec / 4))
            except subprocess.TimeoutExpired:
                times = watched.cpu_times()
            if times.user + times.system > used + _SOME_CPU_SEC:
                used, since = times.user + times.system, time.monotonic()
            elif time.monotonic() > since + idle_sec:
                return None
    finally:
        process.kill()
        process.wait()
