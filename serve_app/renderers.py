"""The renderers as the service sees them: something that takes view batches and can be asked how it is."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from ray.serve.handle import DeploymentHandle

from render_actor.types import BatchResult, RendererStatus, ViewBatch

STATUS_TIMEOUT_SEC = 2.0
_STATUS_AGE_SEC = 0.5


class Renderers(Protocol):
    """What the service needs of its renderers."""

    async def render(self, batch: ViewBatch) -> BatchResult:
        """Render a batch on some renderer."""
        ...

    async def statuses(self) -> list[RendererStatus]:
        """State of every renderer that answers."""
        ...


class ServeRenderers:
    """The ``RenderWorker`` deployment.

    Args:
        handle: of the deployment.
    """

    def __init__(self, handle: DeploymentHandle) -> None:
        self._handle = handle
        self._statuses: list[RendererStatus] = []
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def render(self, batch: ViewBatch) -> BatchResult:
        """Render a batch on whichever replica is free."""
        result: BatchResult = await self._handle.render.remote(batch)
        return result

    async def statuses(self) -> list[RendererStatus]:
        """State of every replica; asked at most twice a second, however many clients ask."""
        async with self._asking:
            if time.monotonic() - self._asked_at > _STATUS_AGE_SEC:
                self._statuses = await self._ask()
                self._asked_at = time.monotonic()
        return self._statuses

    async def _ask(self) -> list[RendererStatus]:
        try:
            answers = await self._handle.broadcast("status").results_async(timeout_s=STATUS_TIMEOUT_SEC, return_exceptions=True)
        except Exception:  # No replica is up yet, or none answers: there is no renderer to speak of.
            return []
        return [answer for answer in answers if isinstance(answer, RendererStatus)]
