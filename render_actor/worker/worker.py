"""The Serve deployment of a renderer: Serve scales these shells, and each has a supervisor that keeps its Blender alive."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Literal

import ray
from ray import serve

from render_actor.contract.fence import epoch_of
from render_actor.contract.types import BatchResult, Failure, RendererOptions, RendererStatus, ViewBatch
from render_actor.contract.view_files import RenderedView
from render_actor.worker.blender_process import blender_launcher
from render_actor.worker.states import BlenderState
from render_actor.worker.supervisor import BlenderSupervisor

_STATUS_STATES: dict[BlenderState, Literal["starting", "ready", "busy", "failed"]] = {
    BlenderState.STARTING: "starting",
    BlenderState.REPLACING: "starting",
    BlenderState.READY: "ready",
    BlenderState.SWAPPING: "ready",
    BlenderState.BUSY: "busy",
    BlenderState.FAILED: "failed",
}


class RenderWorker:
    """Takes one view batch at a time and has its Blender render it.

    Args:
        options: how each Blender is set up.
    """

    def __init__(self, options: RendererOptions) -> None:
        self._id = serve.get_replica_context().replica_id.unique_id
        self._node = ray.get_runtime_context().get_node_id()
        self._epoch = 0
        self._supervisor = BlenderSupervisor(self._id, options, blender_launcher(self._id, options))

    async def render(self, batch: ViewBatch) -> AsyncIterator[RenderedView | BatchResult]:
        """Render a batch; cancelling it kills the Blender.

        Yields:
            Each view when its files are made, and at the end the result. Its failure is ``renderer_lost`` where the Blender died or hung,
            and where the batch is of a server that another one has replaced.
        """
        if epoch_of(batch.fence) < self._epoch:
            yield self._failed(Failure("renderer_lost", "the batch is of a server that was replaced"))
            return
        self._epoch = epoch_of(batch.fence)
        views: asyncio.Queue[RenderedView | None] = asyncio.Queue()
        rendering = asyncio.ensure_future(self._supervisor.render(batch, views.put_nowait))
        rendering.add_done_callback(lambda _: views.put_nowait(None))
        try:
            while (view := await views.get()) is not None:
                yield dataclasses.replace(view, renderer=self._id, blender=self._supervisor.report)
            outcome = rendering.result()
        finally:
            rendering.cancel()
        yield self._failed(outcome) if isinstance(outcome, Failure) else outcome

    def _failed(self, failure: Failure) -> BatchResult:
        return BatchResult(self._id, failure=failure)

    async def status(self) -> RendererStatus:
        """State of this renderer. A Blender that died without a batch is found, and replaced, here."""
        supervisor = self._supervisor
        await supervisor.refresh()
        return RendererStatus(
            renderer=self._id,
            state=_STATUS_STATES[supervisor.state],
            node=self._node,
            memory_bytes=supervisor.memory_bytes,
            report=supervisor.report,
            failure=supervisor.failure,
            restarts=supervisor.restarts,
            recycled=supervisor.recycled,
        )
