"""Work that a cancelled task waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def finished(work: Coroutine[Any, Any, T] | asyncio.Task[T]) -> T:
    """Await some work; when this is cancelled, however often, the cancellation comes through only once the work has ended.

    What comes after, like removing the folder that the work writes to, then never runs beside it.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError:  # Repeated, as by a client that repeats its DELETE.
                continue
        if not task.cancelled():
            task.exception()  # Seen, so that nothing complains of it.
        raise


async def finished_in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``asyncio.to_thread``, awaited as by ``finished``."""
    return await finished(asyncio.to_thread(work, *args, **kwargs))
