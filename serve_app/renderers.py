"""The renderers as the service sees them: something that takes view batches and can be asked how it is."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import time
from typing import Protocol

from ray.serve.handle import DeploymentHandle

from render_actor.types import BatchResult, RendererStatus, ViewBatch

_FRESH_SEC = 0.5
"""Statuses younger than this are not asked for again, however many clients ask."""

_PATIENCE_SEC = 1.0
"""How long a caller waits for replicas that are busy before it gets what is known."""

_GIVE_UP_SEC = 120.0
"""A replica that has not answered for so long is left out."""


class Renderers(Protocol):
    """What the service needs of its renderers."""

    async def render(self, batch: ViewBatch) -> BatchResult:
        """Render a batch on some renderer."""
        ...

    async def statuses(self) -> list[RendererStatus]:
        """State of every renderer that answers."""
        ...

    async def quiet(self) -> None:
        """Return when no renderer works for an earlier server any more."""
        ...


class ServeRenderers:
    """The ``RenderWorker`` deployment.

    Args:
        handle: of the deployment.
    """

    def __init__(self, handle: DeploymentHandle) -> None:
        self._handle = handle
        self._known: list[RendererStatus] = []
        self._known_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def render(self, batch: ViewBatch) -> BatchResult:
        """Render a batch on whichever replica is free; cancelling this kills the Blender that does."""
        response = self._handle.render.remote(batch)
        try:
            result: BatchResult = await response
        except asyncio.CancelledError:
            response.cancel()
            raise
        return result

    async def quiet(self) -> None:
        """Ask every replica: one answers only between two batches, so what an earlier ingress sent it is over by then."""
        await self._ask()

    async def statuses(self) -> list[RendererStatus]:
        """State of every replica; a replica answers between two batches, and counts as busy until it does."""
        if time.monotonic() - self._known_at < _FRESH_SEC:
            return self._known
        if self._asking is None or self._asking.done():
            # Not in the context of the request, which Serve cancels when its client hangs up.
            self._asking = asyncio.get_running_loop().create_task(self._ask(), context=contextvars.Context())
        answered, _ = await asyncio.wait({self._asking}, timeout=_PATIENCE_SEC)
        if answered:
            return self._known
        return [dataclasses.replace(status, state="busy") if status.state == "ready" else status for status in self._known]

    async def _ask(self) -> None:
        try:
            response = self._handle.broadcast("status")
            answers = await response.results_async(timeout_s=_GIVE_UP_SEC, return_exceptions=True)
        except Exception:  # No replica is up yet, or none answers: there is no renderer to speak of.
            answers = []
        self._known = [answer for answer in answers if isinstance(answer, RendererStatus)]
        self._known_at = time.monotonic()
