"""The Serve deployment of a renderer: Serve scales these shells, and each has a supervisor that keeps its Blender alive."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Literal

import ray
from ray import serve

from render_actor.blender.actor import remote_actor_class
from render_actor.contract.fence import epoch_of
from render_actor.contract.types import BatchResult, Failure, RendererOptions, RendererStatus, ViewBatch
from render_actor.contract.view_files import BatchAnswer, RenderedView
from render_actor.worker.blender_process import blender_launcher
from render_actor.worker.protocol import Launch
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


_TOGETHER_SEC = 0.02
"""What comes within this time goes to the service in one answer: the last view and the end of its batch always do."""


class RenderWorker:
    """Takes one view batch at a time and has its Blender render it.

    Args:
        options: how each Blender is set up.
    """

    def __init__(self, options: RendererOptions) -> None:
        self._id = serve.get_replica_context().replica_id.unique_id
        self._node = ray.get_runtime_context().get_node_id()
        self._epoch = 0
        self._supervisor = BlenderSupervisor(self._id, options, self._launcher(options))

    def _launcher(self, options: RendererOptions) -> Launch:
        """What starts its Blenders."""
        return blender_launcher(self._id, options, remote_actor_class())

    async def render(self, batch: ViewBatch) -> AsyncIterator[BatchAnswer]:
        """Render a batch; cancelling it kills the Blender.

        Yields:
            The views soon after their files are made, and in the last answer the result. Its failure is ``renderer_lost`` where the
            Blender died or hung, and where the batch is of a server that another one has replaced.
        """
        if epoch_of(batch.fence) < self._epoch:
            yield BatchAnswer(result=self._failed(Failure("renderer_lost", "the batch is of a server that was replaced")))
            return
        self._epoch = epoch_of(batch.fence)
        made, some = list[RenderedView](), asyncio.Event()

        def told(view: RenderedView) -> None:
            made.append(dataclasses.replace(view, renderer=self._id, blender=self._supervisor.report))
            some.set()

        rendering = asyncio.ensure_future(self._supervisor.render(batch, told))
        rendering.add_done_callback(lambda _: some.set())
        try:
            result: BatchResult | None = None
            while result is None:
                await some.wait()
                await asyncio.wait({rendering}, timeout=_TOGETHER_SEC)
                some.clear()
                views, made = tuple(made), []
                result = self._result(rendering.result()) if rendering.done() else None
                yield BatchAnswer(views, result)
        finally:
            rendering.cancel()

    def _result(self, outcome: BatchResult | Failure) -> BatchResult:
        return self._failed(outcome) if isinstance(outcome, Failure) else outcome

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
