"""Decides which of the accepted jobs may run."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType

from serve_app.service.limits import Limits


class Places:
    """A semaphore, first come first served, that those who wait leave in constant time: thousands do, and any of them may be canceled.

    Args:
        count: how many may hold one at a time.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: OrderedDict[asyncio.Future[None], None] = OrderedDict()

    async def __aenter__(self) -> None:
        if self._free:  # Nobody waits then: a place that is given up goes to whoever does.
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[turn] = None
        try:
            await turn
        except asyncio.CancelledError:
            if turn in self._waiting:
                del self._waiting[turn]
            else:  # It was given a place at the same moment.
                self._give_up()
            raise

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._give_up()

    def _give_up(self) -> None:
        if self._waiting:
            turn, _ = self._waiting.popitem(last=False)
            if not turn.done():  # Done: its task is being canceled, and passes the place on.
                turn.set_result(None)
        else:
            self._free += 1


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
        self._slots = {interactive: Places(count) for interactive, count in counts.items()}
        self._reading_large = {interactive: Places(max(1, count // 2)) for interactive, count in counts.items()}
        self._groups: defaultdict[str, Places] = defaultdict(lambda: Places(limits.max_running_of_group))
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
