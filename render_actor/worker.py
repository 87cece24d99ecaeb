"""The Serve deployment that owns one Blender: Serve scales these shells, and each shell keeps its Blender alive."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import Any

import psutil
import ray
from ray import serve
from ray.exceptions import OutOfMemoryError, RayActorError, RayError
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from render_actor.blender_actor import OUT_OF_MEMORY, START_FAILED, remote_actor_class
from render_actor.types import BatchResult, BlenderReport, Failure, RendererOptions, RendererStatus, ViewBatch

logger = logging.getLogger("ray.serve")

_CHILD_BUNDLE = 1
"""Of a replica's placement group, bundle 0 holds this shell and bundle 1 the Blender."""

_START_TIMEOUT_SEC = 180.0
"""A Blender that has not rendered its first pixel by then will not: a first CUDA kernel takes minutes to compile."""


class RenderWorker:
    """Takes one view batch at a time and has its Blender render it.

    Args:
        options: how each Blender is set up.
    """

    def __init__(self, options: RendererOptions) -> None:
        self._options = options
        self._id = serve.get_replica_context().replica_id.unique_id
        self._node = ray.get_runtime_context().get_node_id()
        self._restarts = 0
        self._busy = False
        self._start()

    def _start(self) -> None:
        """Start a Blender without waiting for it; the first batch, or a status call, sees how that went."""
        bundle = PlacementGroupSchedulingStrategy(ray.util.get_current_placement_group(), placement_group_bundle_index=_CHILD_BUNDLE)
        self._actor = (
            remote_actor_class()
            .options(num_cpus=self._options.num_cpus, num_gpus=self._options.num_gpus, scheduling_strategy=bundle, max_restarts=0)
            .remote(self._id, self._options)
        )
        self._report: BlenderReport | Failure | None = None
        self._warming = asyncio.ensure_future(self._warm_up(self._actor))

    async def _warm_up(self, actor: Any) -> BlenderReport | Failure:
        try:
            report = await asyncio.wait_for(actor.warm_up.remote(), _START_TIMEOUT_SEC)
        except TimeoutError:
            report = Failure("renderer_start_failed", f"{START_FAILED}: it was not ready within {_START_TIMEOUT_SEC:g} s")
        except RayError as error:
            report = Failure("renderer_start_failed", f"{START_FAILED}: its process died: {_first_line(error)}")
        if actor is self._actor:
            self._report = report
        if isinstance(report, Failure):
            logger.error("renderer %s: %s", self._id, report.message)
        else:
            logger.info("renderer %s is ready on %s in %.1f s", self._id, report.device, report.start_seconds)
        return report

    async def render(self, batch: ViewBatch) -> BatchResult:
        """Render a batch. A Blender that dies is replaced, and the batch is answered with ``renderer_lost``."""
        report = await self._warming
        if isinstance(report, Failure):
            self._replace()
            return BatchResult(self._id, failure=report)
        self._busy = True
        try:
            result_ref, payload = self._actor.render.options(num_returns=2).remote(batch)
            result: BatchResult = await result_ref
        except RayError as error:
            self._replace()
            return BatchResult(self._id, failure=_lost(error))
        finally:
            self._busy = False
        return dataclasses.replace(result, payload=payload, blender=report)

    def _replace(self) -> None:
        ray.kill(self._actor)
        self._restarts += 1
        self._start()

    async def status(self) -> RendererStatus:
        """State of this renderer. A Blender that died while it had nothing to do is found, and replaced, here."""
        if isinstance(self._report, BlenderReport) and not self._busy and not psutil.pid_exists(self._report.pid):
            self._replace()
        report = self._report if isinstance(self._report, BlenderReport) else None
        failure = self._report if isinstance(self._report, Failure) else None
        if failure is not None:
            state = "failed"
        elif report is None:
            state = "starting"
        else:
            state = "busy" if self._busy else "ready"
        memory = _resident_bytes(report.pid) if report else None
        return RendererStatus(self._id, state, self._node, memory, report, failure, self._restarts)  # type: ignore[arg-type]


def _resident_bytes(pid: int) -> int | None:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _lost(error: RayError) -> Failure:
    # Of any SIGKILL Ray says that it may have been for memory; these words it uses when it knows.
    if isinstance(error, OutOfMemoryError) or "running low on memory" in str(error):
        return Failure("out_of_memory", f"{OUT_OF_MEMORY}: the renderer was stopped to save the machine; use a lower resolution")
    died = isinstance(error, RayActorError)
    reason = "its process died" if died else _first_line(error)
    return Failure("renderer_lost", f"a renderer was lost while it rendered: {reason}")
