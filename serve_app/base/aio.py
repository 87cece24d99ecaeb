"""Tasks that outlive a request, and work that a cancelled task waits for."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Collection, Coroutine
from concurrent.futures import ThreadPoolExecutor
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


def for_each(work: Callable[[T], Any], items: Collection[T], at_once: int) -> None:
    """Do some work for each item, several at a time; for one alone no thread is started.

    Raises:
        Exception: of the first item that has one; whatever has begun has ended by then.
    """
    if len(items) <= 1:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(min(at_once, len(items))) as pool:
        list(pool.map(work, items))


async def to_thread_to_end(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``asyncio.to_thread``, awaited as by ``run_to_end``."""
    return await run_to_end(asyncio.to_thread(work, *args, **kwargs))
