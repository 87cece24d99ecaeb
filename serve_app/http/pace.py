"""Bounds how long a large body may take: until it has come, it holds one of the ingress's places for requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.requests import ClientDisconnect

from serve_app.base.errors import ServiceError

PIECE_BYTES = 1024**2
"""So many bytes at a time are given to the thread that writes them."""

PAUSE_SEC = 30.0
"""Seconds without a byte after which a body is given up."""

BYTES_A_SECOND = 16 * 1024
"""Bytes a second that a body must come with, on the average, once it has taken ``PAUSE_SEC``."""


async def paced(request: Request) -> AsyncIterator[bytes]:
    """The body of a request, piece by piece.

    Raises:
        ServiceError: ``body_too_slow``.
    """
    stream, began, size = request.stream(), time.monotonic(), 0
    while True:
        try:
            async with asyncio.timeout(PAUSE_SEC):
                chunk = await anext(stream, None)
        except ClientDisconnect as error:  # Nobody hears it.
            raise ServiceError("body_too_slow", f"the connection was lost after {size} bytes of the request body") from error
        except TimeoutError as error:
            raise _too_slow(f"no byte of it came for {PAUSE_SEC:g} s") from error
        if chunk is None:
            return
        size += len(chunk)
        passed = time.monotonic() - began
        if passed > PAUSE_SEC and size < passed * BYTES_A_SECOND:
            raise _too_slow(f"{size} bytes of it came in {passed:.0f} s")
        if chunk:
            yield chunk


async def in_large_pieces(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in fewer pieces: each is one turn of a thread. What came before a body broke off comes before the error."""
    waiting = bytearray()
    try:
        async for chunk in chunks:
            waiting += chunk
            if len(waiting) >= PIECE_BYTES:
                yield bytes(waiting)
                waiting.clear()
    except ServiceError:
        if waiting:
            yield bytes(waiting)
        raise
    if waiting:
        yield bytes(waiting)


def _too_slow(reason: str) -> ServiceError:
    return ServiceError(
        "body_too_slow", f"the request body came too slowly: {reason}; send it again, or by tus, which goes on where it ended"
    )
