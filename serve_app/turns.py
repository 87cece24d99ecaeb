"""Decides which of the accepted jobs may run."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

JOBS_OF_A_GROUP = 2
"""Jobs of one batch that are prepared or rendered at a time: one that renders, and the next one's CAD being read."""

_LEAST_AT_ONCE = 4


class JobTurns:
    """Lets a few jobs run at a time, first come first served; urgent ones and others have places of their own.

    More jobs at a time would all end late together, and each renderer would have to keep all their CADs loaded.

    Args:
        renderers: how many there can be.
    """

    def __init__(self, renderers: int) -> None:
        places = max(_LEAST_AT_ONCE, renderers // 4)
        self._places = {True: asyncio.Semaphore(places), False: asyncio.Semaphore(JOBS_OF_A_GROUP if renderers < 8 else places)}
        self._groups: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(JOBS_OF_A_GROUP))
        self._members: defaultdict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def turn(self, group: str, *, urgent: bool) -> AsyncIterator[None]:
        """Wait for a job's turn, and hold it for the length of the ``async with``.

        Args:
            group: of the batch that it came with.
            urgent: whether it is an interactive job.
        """
        self._members[group] += 1
        try:
            async with self._groups[group], self._places[urgent]:
                yield
        finally:
            self._members[group] -= 1
            if not self._members[group]:
                del self._members[group], self._groups[group]
