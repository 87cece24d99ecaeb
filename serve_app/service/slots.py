"""Decides which of the accepted jobs may run."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

JOBS_OF_A_GROUP = 2
"""Jobs of one batch that are prepared or rendered at a time: one that renders, and the next one's CAD being read."""

_LEAST_AT_ONCE = 4

CadRead = Callable[[], Awaitable[None]]
"""Tells that the CAD of a job is read."""


class JobTurns:
    """Lets a few jobs run at a time, first come first served; urgent ones and others have places of their own.

    More jobs at a time would all end late together, and each renderer would have to keep all their CADs loaded. A job begins with the
    reading of its CAD, and large ones are read one after another, for minutes perhaps: half of the places at most are taken so.

    Args:
        renderers: how many there can be.
    """

    def __init__(self, renderers: int) -> None:
        most = max(_LEAST_AT_ONCE, renderers // 4)
        places = {True: most, False: JOBS_OF_A_GROUP if renderers < 8 else most}
        self._places = {urgent: asyncio.Semaphore(count) for urgent, count in places.items()}
        self._reading_large = {urgent: asyncio.Semaphore(count // 2) for urgent, count in places.items()}
        self._groups: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(JOBS_OF_A_GROUP))
        self._members: defaultdict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def turn(self, group: str, *, urgent: bool, large: bool) -> AsyncIterator[CadRead]:
        """Wait for a job's turn, and hold it for the length of the ``async with``.

        Args:
            group: of the batch that it came with.
            urgent: whether it is an interactive job.
            large: whether its CAD may take long to read.

        Yields:
            What to call once its CAD is read.
        """
        self._members[group] += 1
        try:
            async with self._groups[group], AsyncExitStack() as reading:
                if large:
                    await reading.enter_async_context(self._reading_large[urgent])
                async with self._places[urgent]:
                    yield reading.aclose
        finally:
            self._members[group] -= 1
            if not self._members[group]:
                del self._members[group], self._groups[group]
