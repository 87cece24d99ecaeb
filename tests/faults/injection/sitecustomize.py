"""Loaded by every process of a server under test, before anything of ours: watches the Blenders, and hurts them on request.

Nothing here replaces what the server does. Before a view is rendered it is noted which process is at it, and whether another
one that is still alive was: that must never happen. A CAD with one of the names below in its job's id then kills, stops or
bloats the Blender that has begun it. One that is about to write a view's files can be made to hang and leave a copy of itself that
goes on to write them when it is woken. And the wall clock can be moved for all processes at once.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("FAULT_FOLDER", "/nonexistent"))  # The process that reads a CAD is told nothing.
TARGET = "render_actor.blender.actor"
_BALLAST: list[bytes] = []
_real_time = time.time


def _moved_time() -> float:
    try:
        return _real_time() + float((FOLDER / "clock").read_text())
    except (OSError, ValueError):
        return _real_time()


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def _note(name: str, **values: object) -> None:
    descriptor = os.open(FOLDER / name, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o666)
    os.write(descriptor, json.dumps(values).encode() + b"\n")
    os.close(descriptor)


def _hurt(job_id: str) -> None:
    if "killer" in job_id:
        os.kill(os.getpid(), signal.SIGKILL)
    if "hanger" in job_id and not (FOLDER / "hung").exists():
        (FOLDER / "hung").touch()
        os.kill(os.getpid(), signal.SIGSTOP)
    if "eater" in job_id:
        while True:
            _BALLAST.append(b"x" * (256 << 20))
            time.sleep(0.2)


def _watched(render_view: Any) -> Any:
    def watched(self: Any, batch: Any, view: int) -> Any:
        owner = FOLDER / "at-work" / f"{batch.job_id}-{view}"
        owner.parent.mkdir(exist_ok=True)
        try:
            other = int(owner.read_text())
        except (OSError, ValueError):
            other = 0
        if other not in (0, os.getpid()) and _alive(other):
            _note("two-at-a-view", job=batch.job_id, view=view, pids=[other, os.getpid()])
        owner.write_text(str(os.getpid()))
        _note("rendered", job=batch.job_id, view=view)
        _hurt(batch.job_id)
        try:
            return render_view(self, batch, view)
        finally:
            owner.unlink(missing_ok=True)

    return watched


def _late(write: Any) -> Any:
    """A renderer that is given up is killed here, and what one on a node that was cut off does is done by a copy of it."""

    def late(self: Any, files: Any) -> None:
        try:
            (FOLDER / "late-writer-wanted").unlink()
        except FileNotFoundError:
            write(self, files)
            return
        copy = os.fork()
        if copy:
            _note("late-writer", pid=copy)
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(3600)  # A thread runs on for a moment before its process stops.
        try:
            kept = {self._descriptor, 0, 1, 2}
            for descriptor in {int(name) for name in os.listdir("/proc/self/fd")} - kept:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Ray's, for all that a worker has started.
            os.kill(os.getpid(), signal.SIGSTOP)
            write(self, files)
            _note("late-write", wrote=sorted(files))
        except BaseException as error:
            _note("late-write", failed=type(error).__name__)
        finally:
            os._exit(0)

    return late


class _Patcher(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != TARGET:
            return None
        sys.meta_path.remove(self)
        spec: Any = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def execute_and_patch(module: Any) -> None:
            execute(module)
            module.BlenderActor._render_view = _watched(module.BlenderActor._render_view)
            from render_actor.view.sink_folder import SinkFolder

            SinkFolder.write = _late(SinkFolder.write)  # type: ignore[method-assign]

        spec.loader.exec_module = execute_and_patch
        return spec


time.time = _moved_time
sys.meta_path.insert(0, _Patcher())
