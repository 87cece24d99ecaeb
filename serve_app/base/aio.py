"""Tasks that outlive a request, and work that a cancelled task waits for."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def spawn(coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a task that belongs to no request.

    A task takes over the context of whoever makes it, and Serve cancels all that belongs to a request whose client hangs up:
    this one starts from an empty context. The caller keeps a reference to it.
    """
    return asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())


async def run_to_end(work: Coroutine[Any, Any, T] | asyncio.Task[T]) -> T:
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


async def to_thread_to_end(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``asyncio.to_thread``, awaited as by ``run_to_end``."""
    return await run_to_end(asyncio.to_thread(work, *args, **kwargs))
