"""The Serve deployment of a renderer: Serve scales these shells, and each has a supervisor that keeps its Blender alive."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import os
from collections.abc import AsyncIterator

import ray
from ray import serve

from render_actor.blender.actor import remote_actor_class
from render_actor.contract.fence import epoch_of
from render_actor.contract.types import BatchResult, Failure, RendererOptions, RendererState, RendererStatus, ViewBatch
from render_actor.contract.view_files import BatchAnswer, RenderedView
from render_actor.metrics.export import export_forever
from render_actor.worker import metrics
from render_actor.worker.announcer import Announcer, teller
from render_actor.worker.blender_process import blender_launcher
from render_actor.worker.protocol import Launch
from render_actor.worker.states import BlenderState
from render_actor.worker.supervisor import BlenderSupervisor

_STATUS_STATES: dict[BlenderState, RendererState] = {
    BlenderState.STARTING: "starting",
    BlenderState.REPLACING: "starting",
    BlenderState.READY: "ready",
    BlenderState.SWAPPING: "ready",
    BlenderState.BUSY: "busy",
    BlenderState.FAILED: "failed",
}


_NICENESS = 9
"""Of the process, at least: what answers requests on the same cores comes first, then this, then the Blenders."""

_TOGETHER_SEC = 0.02
"""What comes within this time goes to the service in one answer: as a rule, the last view and the end of its batch do."""


class RenderWorker:
    """Takes one view batch at a time and has its Blender render it.

    Args:
        options: how each Blender is set up.
        ingress: name of the deployment that is told how this renderer is.
    """

    def __init__(self, options: RendererOptions, ingress: str) -> None:
        os.setpriority(os.PRIO_PROCESS, 0, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
        self._id = serve.get_replica_context().replica_id.unique_id
        self._node = ray.get_runtime_context().get_node_id()
        self._address = ray.util.get_node_ip_address()
        self._epoch = 0
        self._tell = teller(ingress)
        announcer = Announcer(self.status, self._tell)
        self._supervisor = BlenderSupervisor(self._id, options, self._launcher(options), moved=announcer.changed)
        self._announcing = asyncio.get_running_loop().create_task(announcer.run())
        # A task outside the context of any request, with which it would end.
        exporting = export_forever(metrics.RENDERER_METRICS, self._measure)
        self._exporting = asyncio.get_running_loop().create_task(exporting, context=contextvars.Context())

    def _launcher(self, options: RendererOptions) -> Launch:
        """What starts its Blenders."""
        return blender_launcher(self._id, options, remote_actor_class())

    async def __del__(self) -> None:  # Serve awaits it, when it stops this replica in good order.
        self._announcing.cancel()
        with contextlib.suppress(Exception):  # The ingress is gone, too.
            await self._tell(dataclasses.replace(await self.status(), state="stopped"))

    async def _measure(self) -> None:
        metrics.measure(_STATUS_STATES[self._supervisor.state], self._supervisor.memory_bytes)

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
            told_by = dataclasses.replace(view, renderer=self._id, blender=self._supervisor.report)
            metrics.count_view(told_by, batch.scene.sampling)
            made.append(told_by)
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
            address=self._address,
            memory_bytes=supervisor.memory_bytes,
            report=supervisor.report,
            failure=supervisor.failure,
            restarts=supervisor.restarts,
            recycled=supervisor.recycled,
        )
