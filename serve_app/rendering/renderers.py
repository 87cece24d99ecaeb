"""The renderers as the service sees them: something that takes view batches and can be asked how it is."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ray.serve.exceptions import DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle

from render_actor.contract.types import BatchResult, RendererStatus, ViewBatch
from render_actor.contract.view_files import PackedView, RenderedView
from serve_app.base.logs import server_event
from serve_app.rendering.parcel import Parcel
from serve_app.rendering.renderer_board import RendererBoard

Told = Callable[[RenderedView], None]
"""Gets each view of a batch as soon as its files are made."""


@dataclass(frozen=True)
class Waits:
    """How long the renderers are waited for.

    Attributes:
        kill_sec: a replica has killed a Blender that was too slow, and seen it dead, within this time.
        ask_again_sec: pause between two rounds of asking whether all replicas are idle.
    """

    kill_sec: float = 30.0
    ask_again_sec: float = 1.0


class BatchRenderers(Protocol):
    """What the scheduler needs of the renderers."""

    async def render(self, batch: ViewBatch, told: Told) -> BatchResult:
        """Render a batch on some renderer; cancelling this makes the renderer drop it.

        Args:
            batch: what to render.
            told: gets each view.

        Raises:
            Exception: of any type: the renderer could not be reached, or was lost.
        """
        ...

    async def fetch(self, view: RenderedView) -> PackedView:
        """The files of a view that are not in its batch's sink.

        Raises:
            PayloadLostError: they were lost with their renderer.
        """
        ...


class Renderers(BatchRenderers, Protocol):
    """What the service needs of the renderers."""

    async def statuses(self) -> list[RendererStatus]:
        """State of every renderer, at once."""
        ...

    async def wait_idle(self) -> None:
        """Return when no renderer works for an earlier server any more."""
        ...


class ServeRenderers:
    """The ``RenderWorker`` deployment.

    Args:
        handle: of the deployment.
        batch_sec: seconds that a renderer may take for a batch before it is killed.
        waits: how long they are waited for.
        none_kept: whether there may be no replica until one is wanted.
    """

    def __init__(self, handle: DeploymentHandle, batch_sec: float, waits: Waits | None = None, *, none_kept: bool = False) -> None:
        self._none_kept = none_kept
        self._handle, self._batch_sec, self._waits = handle, batch_sec, waits or Waits()
        self._streaming = handle.options(stream=True)
        self._board = RendererBoard()

    async def render(self, batch: ViewBatch, told: Told) -> BatchResult:
        """Render a batch on whichever replica is free; cancelling this kills the Blender that does."""
        answers = self._streaming.render.remote(batch)
        result: BatchResult | None = None
        try:
            async for answer in answers:  # To the end, which comes right after the result: only then is the renderer free.
                # A shell may tell together what its Blender has answered, and sent, apart.
                parcels = {view.payload: Parcel(view.payload) for view in answer.views if not view.in_sink}
                for view in answer.views:
                    told(view if view.in_sink else dataclasses.replace(view, payload=parcels[view.payload]))
                result = answer.result
        except asyncio.CancelledError:
            answers.cancel()
            raise
        except Exception:
            if result is None:
                raise
        if result is None:
            raise ConnectionError("the renderer's answer ended without a result")
        return result

    async def fetch(self, view: RenderedView) -> PackedView:
        """The files of a view that ``render`` has told, from Ray's object store; ``PayloadLostError`` when their owner is gone."""
        parcel: Parcel = view.payload
        return await parcel.files(view.place)

    async def wait_idle(self) -> None:
        """Ask every replica: one answers only between two batches, so what an earlier server sent it is over by then.

        While there is none, or one does not answer, all are asked again, for as long as a batch may take. Where none is kept, two rounds
        without any are enough.
        """
        until = time.monotonic() + self._batch_sec + self._waits.kill_sec
        rounds_without = 0
        while (left := until - time.monotonic()) > 0:
            try:
                answers = await self._answers(left)
            except Exception as error:
                answers = [error]
                rounds_without += isinstance(error, DeploymentUnavailableError)
                if self._none_kept and rounds_without > 1:
                    return
            if all(isinstance(answer, RendererStatus) for answer in answers):
                return
            await asyncio.sleep(self._waits.ask_again_sec)
        server_event("warning", "a renderer does not answer; what an earlier server gave it is taken for lost", seconds=self._batch_sec)

    def told(self, status: RendererStatus) -> float:
        """A replica has told its state; see ``RendererBoard.told``."""
        return self._board.told(status)

    async def statuses(self) -> list[RendererStatus]:
        """What the replicas have last told, with those that were lost; none of them is asked."""
        return self._board.statuses()

    async def _answers(self, timeout_sec: float) -> list[Any]:
        """The status of every replica that there is, or the exception that came instead."""
        answers: list[Any] = await self._handle.broadcast("status").results_async(timeout_s=timeout_sec, return_exceptions=True)
        return answers
