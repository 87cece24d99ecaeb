"""The renderers as the service sees them: something that takes view batches and can be asked how it is."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import time
from typing import Any, Protocol

from ray.serve.handle import DeploymentHandle

from render_actor.contract.types import BatchResult, RendererStatus, ViewBatch
from serve_app.base.logs import server_event

_FRESH_SEC = 0.5
"""Statuses younger than this are not asked for again, however many clients ask."""

_PATIENCE_SEC = 1.0
"""How long a caller waits for replicas that are busy before it gets what is known."""

_GIVE_UP_SEC = 120.0
"""A replica that has not answered for so long is left out."""

_KILL_SEC = 30.0
"""A replica has killed a Blender that was too slow, and seen it dead, within this time."""

_ASK_AGAIN_SEC = 1.0


class Renderers(Protocol):
    """What the service needs of its renderers."""

    async def render(self, batch: ViewBatch) -> BatchResult:
        """Render a batch on some renderer."""
        ...

    async def statuses(self) -> list[RendererStatus]:
        """State of every renderer that answers."""
        ...

    async def wait_idle(self) -> None:
        """Return when no renderer works for an earlier server any more."""
        ...


class ServeRenderers:
    """The ``RenderWorker`` deployment.

    Args:
        handle: of the deployment.
        batch_sec: seconds that a renderer may take for a batch before it is killed.
    """

    def __init__(self, handle: DeploymentHandle, batch_sec: float) -> None:
        self._handle, self._batch_sec = handle, batch_sec
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

    async def wait_idle(self) -> None:
        """Ask every replica: one answers only between two batches, so what an earlier ingress sent it is over by then.

        While there is none, or one does not answer, all are asked again, for as long as a batch may take.
        """
        until = time.monotonic() + self._batch_sec + _KILL_SEC
        while (left := until - time.monotonic()) > 0:
            try:
                answers = await self._answers(left)
            except Exception as error:
                answers = [error]
            if all(isinstance(answer, RendererStatus) for answer in answers):
                return
            await asyncio.sleep(_ASK_AGAIN_SEC)
        server_event("warning", "a renderer does not answer; what an earlier server gave it is taken for lost", seconds=self._batch_sec)

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
            answers = await self._answers(_GIVE_UP_SEC)
        except Exception:  # No replica is up yet, or none answers: there is no renderer to speak of.
            answers = []
        self._known = [answer for answer in answers if isinstance(answer, RendererStatus)]
        self._known_at = time.monotonic()

    async def _answers(self, timeout_sec: float) -> list[Any]:
        """The status of every replica that there is, or the exception that came instead."""
        answers: list[Any] = await self._handle.broadcast("status").results_async(timeout_s=timeout_sec, return_exceptions=True)
        return answers
