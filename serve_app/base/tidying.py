"""Housekeeping that goes on for as long as the server runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from serve_app.base.logs import server_event


async def keep_tidy(sweep: Callable[[], Awaitable[object]], every_sec: float, failure: str) -> None:
    """Sweep at once, and then again and again.

    Args:
        sweep: removes what is old; what it raises is logged.
        every_sec: seconds between two sweeps.
        failure: what is logged then, such as ``old uploads could not be removed``.
    """
    while True:
        try:
            await sweep()
        except Exception as error:  # The next time it may be better, and nobody else would say so.
            server_event("warning", failure, cause=repr(error))
        await asyncio.sleep(every_sec)
