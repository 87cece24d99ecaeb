"""Whether a renderer is ready to render, as the service has last heard: who wants to know that asks no renderer."""

from __future__ import annotations

import asyncio
import time

from render_actor.contract.types import BatchResult, RendererStatus, ViewBatch
from render_actor.contract.view_files import PackedView, RenderedView
from serve_app.rendering.renderers import Renderers, Told

DOUBT_SEC = 1.0
"""While none is ready, or one was lost, their states are looked at so often; a renderer has told of a change before."""

IDLE_SEC = 3.0
"""While one is ready and nothing is rendered, their states are looked at so often: as often as a renderer tells what has not changed."""


class WatchedRenderers:
    """Renderers that are known to be ready, or not: by what they answer, and where that is nothing, by the states that they tell.

    Args:
        renderers: what does the work.
        doubt_sec: see ``DOUBT_SEC``.
        idle_sec: see ``IDLE_SEC``.

    Attributes:
        ready: whether a Blender has rendered a first view, and is not known to be lost.
    """

    def __init__(self, renderers: Renderers, doubt_sec: float = DOUBT_SEC, idle_sec: float = IDLE_SEC) -> None:
        self._renderers, self._doubt_sec, self._idle_sec = renderers, doubt_sec, idle_sec
        self.ready = self._doubted = False
        self._out = 0
        self._ask_at = float("-inf")

    async def render(self, batch: ViewBatch, told: Told) -> BatchResult:
        """As ``BatchRenderers.render``: a view that comes says that its renderer is ready."""

        def heard_and_told(view: RenderedView) -> None:
            if not self.ready:
                self._heard(True)
            told(view)

        self._out += 1
        try:
            result = await self._renderers.render(batch, heard_and_told)
        except BaseException:  # Cancelling it kills its Blender, too.
            self._doubt()
            raise
        finally:
            self._out -= 1
        if result.failure is not None and result.failure.worth_retrying:
            self._doubt()
        else:
            self._heard(True)
        return result

    async def fetch(self, view: RenderedView) -> PackedView:
        """As ``BatchRenderers.fetch``."""
        return await self._renderers.fetch(view)

    async def statuses(self) -> list[RendererStatus]:
        """As ``Renderers.statuses``."""
        statuses = await self._renderers.statuses()
        ready = any(status.state in ("ready", "busy") for status in statuses)
        # While one renders, a state may have been told before it was ready.
        if ready or not self._out or self._doubted:
            self._heard(ready)
        return statuses

    async def wait_idle(self) -> None:
        """As ``Renderers.wait_idle``."""
        await self._renderers.wait_idle()

    async def watch(self) -> None:
        """Look at the renderers' states where no views tell of them; endless."""
        while True:
            if time.monotonic() >= self._ask_at and not (self.ready and self._out and not self._doubted):
                await self.statuses()
            await asyncio.sleep(self._doubt_sec)

    def _heard(self, ready: bool) -> None:
        self.ready, self._doubted = ready, False
        self._ask_at = time.monotonic() + (self._idle_sec if ready else self._doubt_sec)

    def _doubt(self) -> None:
        """A Blender was lost: whether another one is ready, or this one again, its renderer knows in a moment."""
        self._doubted = True
        self._ask_at = time.monotonic() + self._doubt_sec
