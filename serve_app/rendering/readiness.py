"""Whether a renderer is ready to render, as the service has last heard: who wants to know that asks no renderer."""

from __future__ import annotations

import asyncio
import time

from render_actor.contract.types import BatchResult, RendererStatus, ViewBatch
from render_actor.contract.view_files import PackedView, RenderedView
from serve_app.rendering.renderers import Renderers, Told

DOUBT_SEC = 1.0
"""While none is ready, or one was lost, all are asked so often; longer than they keep a status for fresh (``Waits.fresh_sec``)."""

IDLE_SEC = 30.0
"""While one is ready and nothing is rendered, all are asked so often: only a renderer that is asked notices that its Blender died."""


NONE_KEPT_SEC = 2.0
"""The same where no renderer is kept warm: the last one may have been taken away, and the next job waits for another to start."""


class WatchedRenderers:
    """Renderers that are known to be ready, or not: by what they answer anyway, and where that is nothing, by asking them.

    While views come in, nobody is asked: a call that waits in a renderer's queue would count as work there.

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
        # One that renders answers only afterwards: what is known of it meanwhile may be from the time before it was ready.
        if ready or not self._out or self._doubted:
            self._heard(ready)
        return statuses

    async def wait_idle(self) -> None:
        """As ``Renderers.wait_idle``."""
        await self._renderers.wait_idle()

    async def watch(self) -> None:
        """Ask all renderers where they tell nothing by themselves; endless."""
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
