"""Gives each renderer CPU cores of its own.

A Cycles thread spins while it waits, and takes the core of another renderer's thread: on two cores, two pinned one-thread
Blenders render a quarter more views than two that are not pinned.

A container that is given CPU time and no cores of its own sees all cores of the machine, and not the claims of other containers: those
would all be pinned to the same first cores. There nothing is pinned. (A pod whose cores are its own alone, by Kubernetes' static CPU
manager, sees only these.)
"""

from __future__ import annotations

import fcntl
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from render_actor.process.cpu_quota import cpu_quota

_LOCK_FOLDER = Path(tempfile.gettempdir())
_QUOTA = cpu_quota()


class CoreClaim:
    """A claim on CPU cores, held by file locks: the kernel drops it when the process ends.

    Args:
        count: how many cores to claim.
        folder: where the lock files lie; renderers of one machine share it.
        among: the cores to choose from; None for all that this process may use.
        quota: cores' worth of CPU time that the container has; None for no limit.

    Attributes:
        cores: the cores claimed; empty when fewer than ``count`` were free, or they are not the container's own, and then nothing is
            pinned.
    """

    def __init__(self, count: int, folder: Path = _LOCK_FOLDER, among: tuple[int, ...] | None = None, quota: float | None = _QUOTA) -> None:
        self.cores: tuple[int, ...] = ()
        self._locks: list[int] = []
        claimed: list[int] = []
        seen = os.sched_getaffinity(0)
        if among is None and quota is not None and quota < len(seen):
            return
        for core in sorted(seen if among is None else among):
            if len(claimed) == count:
                break
            descriptor = os.open(folder / f"render-server-{os.getuid()}-core-{core}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(descriptor)
                continue
            claimed.append(core)
            self._locks.append(descriptor)
        if len(claimed) < count:
            self.release()
        else:
            self.cores = tuple(claimed)

    def pin(self) -> None:
        """Run this process, and the threads it will start, on the claimed cores only."""
        if self.cores:
            os.sched_setaffinity(0, self.cores)

    def release(self) -> None:
        """Give up the claim."""
        for descriptor in self._locks:
            os.close(descriptor)
        self._locks, self.cores = [], ()


@contextmanager
def narrowed_to(count: int) -> Iterator[None]:
    """Run on no more than ``count`` of this process's cores for a while; then on all of them again, with every thread that began meanwhile.

    Blender counts the cores when it starts, and its task library (TBB) makes a thread for each. Where Cycles is given fewer threads than
    that, one is left over, and was measured to spin for ever: an idle Blender with one thread that saw two cores took all of the second.
    """
    cores = os.sched_getaffinity(0)
    if count >= len(cores):
        yield
        return
    os.sched_setaffinity(0, random.sample(sorted(cores), count))
    try:
        yield
    finally:
        for thread in os.listdir("/proc/self/task"):
            with suppress(ProcessLookupError):  # It has just ended.
                os.sched_setaffinity(int(thread), cores)
