"""A renderer tells the service how it is: nobody has to ask it, and wait behind its work for the answer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from ray import serve

from render_actor.contract.types import RendererStatus

logger = logging.getLogger("ray.serve")

Tell = Callable[[RendererStatus], Awaitable[float]]
"""Tells the service; raises when that did not work. Returns the seconds within which further changes are to be told in one."""

BEAT_SEC = 3.0
"""While nothing changes, it is told so often; the service takes a renderer for lost that is silent for a few of these (``LOST_SEC``)."""

_TOGETHER_SEC = 0.25
"""Changes within this time are told in one, where the service has not said how long it should be."""

_TELL_TIME_LIMIT_SEC = 2.0


class Announcer:
    """Tells a state whenever it changes, and again and again while it does not.

    Args:
        status: gives the state of this moment.
        tell: takes it.
        beat_sec: see ``BEAT_SEC``.
    """

    def __init__(self, status: Callable[[], Awaitable[RendererStatus]], tell: Tell, beat_sec: float = BEAT_SEC) -> None:
        self._status, self._tell, self._beat_sec, self._together_sec = status, tell, beat_sec, _TOGETHER_SEC
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Have the state told soon."""
        self._changed.set()

    async def run(self) -> None:
        """Tell the state; endless. Nothing that goes wrong here ends it, or hurts what the renderer does."""
        while True:
            self._changed.clear()
            try:
                self._together_sec = await self._tell(await self._status())
            except Exception as error:  # The service is not up, or not up yet: it hears the next one.
                logger.debug("the state could not be told: %r", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._beat_sec)
                await asyncio.sleep(self._together_sec)  # For further changes; a beat is not late because there are many renderers.


def teller(deployment: str) -> Tell:
    """Tells the ingress of this replica's application.

    Args:
        deployment: name of the ingress.
    """
    handle = serve.get_deployment_handle(deployment, serve.get_replica_context().app_name)

    async def tell(status: RendererStatus) -> float:
        response = handle.renderer_told.remote(status)
        try:
            together_sec: float | None = await asyncio.wait_for(response, _TELL_TIME_LIMIT_SEC)
        except BaseException:
            response.cancel()
            raise
        return _TOGETHER_SEC if together_sec is None else together_sec  # While the server is exchanged, an earlier one may say nothing.

    return tell
