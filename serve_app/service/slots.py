"""Decides which of the accepted jobs may run."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from serve_app.service.limits import Limits


class JobSlot:
    """A place among the jobs that run.

    Args:
        reading: what the job holds, beside its place, until its CAD is read.
    """

    def __init__(self, reading: AsyncExitStack) -> None:
        self._reading = reading

    async def end_reading(self) -> None:
        """The job's CAD is read: the next large one may be."""
        await self._reading.aclose()


class JobSlots:
    """Lets a few jobs run at a time, first come first served; interactive ones and others have slots of their own.

    More jobs at a time would all end late together, and each renderer would have to keep all their CADs loaded. A job begins with the
    reading of its CAD, and large ones are read one after another, for minutes perhaps: half of the slots at most are taken so.

    Args:
        limits: ``max_running_interactive``, ``max_running_batch`` and ``max_running_of_group``.
    """

    def __init__(self, limits: Limits) -> None:
        counts = {True: limits.max_running_interactive, False: limits.max_running_batch}
        self._slots = {interactive: asyncio.Semaphore(count) for interactive, count in counts.items()}
        self._reading_large = {interactive: asyncio.Semaphore(max(1, count // 2)) for interactive, count in counts.items()}
        self._groups: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(limits.max_running_of_group))
        self._members: defaultdict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def slot(self, group: str, *, interactive: bool, large: bool) -> AsyncIterator[JobSlot]:
        """Wait for a slot, and hold it for the length of the ``async with``.

        Args:
            group: of the batch that the job came with.
            interactive: whether it goes before jobs that are not.
            large: whether its CAD may take long to read.
        """
        self._members[group] += 1
        try:
            async with self._groups[group], AsyncExitStack() as reading:
                if large:
                    await reading.enter_async_context(self._reading_large[interactive])
                async with self._slots[interactive]:
                    yield JobSlot(reading)
        finally:
            self._members[group] -= 1
            if not self._members[group]:
                del self._members[group], self._groups[group]
