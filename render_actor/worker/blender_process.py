"""A Blender as a Ray actor in the bundle that Serve reserved for it beside its shell."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
from typing import Any

import psutil
import ray
from ray.exceptions import OutOfMemoryError, RayActorError, RayError
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from render_actor.blender.failures import OUT_OF_MEMORY, START_FAILED
from render_actor.contract.types import BatchResult, BlenderReport, Failure, RendererOptions, ViewBatch
from render_actor.contract.view_files import BatchAnswer
from render_actor.process.process_handle import ProcessHandle
from render_actor.worker.protocol import Launch, Told

logger = logging.getLogger("ray.serve")

_BLENDER_BUNDLE = 1
"""Of a replica's placement group, bundle 0 holds the shell and bundle 1 the Blender."""

_BLENDERS = 2
"""Blenders that fit the bundle at once: the one that works, and the one that is started to replace it."""

_KILL_LIMIT_SEC = 20.0


class RayBlender:
    """One Blender; a ``BlenderProcess``.

    Args:
        actor: handle of a ``BlenderActor``.
    """

    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._process: ProcessHandle | None = None

    @property
    def gone(self) -> bool:
        """Whether it was ready and its process has ended since."""
        return self._process is not None and self._process.wait_for_end(0)

    @property
    def memory_bytes(self) -> int | None:
        """Resident memory of its process, or None where it is not known."""
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss) if self._process else None
        except psutil.Error:
            return None

    async def warm_up(self) -> BlenderReport | Failure:
        """Wait until it is ready; called once."""
        try:
            report: BlenderReport | Failure = await self._actor.warm_up.remote()
        except RayError as error:
            return Failure("renderer_start_failed", f"{START_FAILED}: its process died", cause=str(error))
        if isinstance(report, BlenderReport):
            self._process = ProcessHandle(report.pid)
        return report

    async def render(self, batch: ViewBatch, told: Told) -> BatchResult | Failure:
        """Render a batch; files that travel stay in Ray's object store."""
        try:
            answers = self._actor.render.options(num_returns="streaming").remote(batch)
            async for reference in answers:
                answer: BatchAnswer = await reference
                travel = [view for view in answer.views if not view.in_sink]
                payload = await anext(answers, None) if travel else None
                for view in answer.views:
                    told(view if view.in_sink else dataclasses.replace(view, payload=payload, place=travel.index(view)))
                if answer.result is not None:
                    return answer.result
        except RayError as error:
            return lost_blender(error)
        return Failure("renderer_lost", "a renderer was lost while it rendered: its answer ended too early")

    async def end(self) -> None:
        """Kill it, and return when its process is seen dead; where it was never ready, as soon as Ray was told."""
        ray.kill(self._actor)
        if self._process is None:
            return
        self._process.kill()  # Ray asks the process to end, and one that is stopped does not hear it.
        if not await asyncio.to_thread(self._process.wait_for_end, _KILL_LIMIT_SEC):
            logger.error("process %d of a Blender does not end", self._process.pid)

    def take_over_cores(self) -> None:
        """Claim the cores that it was started on: their owner has ended."""
        self._actor.take_over_cores.remote()


def blender_launcher(renderer: str, options: RendererOptions, actor_class: Any) -> Launch:
    """What starts the Blenders of a renderer; call it in the replica that owns them.

    Args:
        renderer: its id, for logs.
        options: how each Blender is set up.
        actor_class: a ``BlenderActor`` as a Ray actor class.
    """
    bundle = PlacementGroupSchedulingStrategy(ray.util.get_current_placement_group(), placement_group_bundle_index=_BLENDER_BUNDLE)
    share = {"num_cpus": options.num_cpus / _BLENDERS, "num_gpus": options.num_gpus / _BLENDERS}
    placed = actor_class.options(**share, scheduling_strategy=bundle, max_restarts=0)

    def launch(cores: tuple[int, ...]) -> RayBlender:
        return RayBlender(placed.remote(renderer, options, os.getpid(), cores))

    return launch


def lost_blender(error: RayError) -> Failure:
    """Why a Blender gave no answer, by what Ray raised for it."""
    # Of any SIGKILL Ray says that it may have been for memory; these words it uses when it knows.
    if isinstance(error, OutOfMemoryError) or "running low on memory" in str(error):
        saved = "the renderer was stopped to save the machine; use a lower resolution"
        return Failure("out_of_memory", f"{OUT_OF_MEMORY}: {saved}", cause=str(error))
    reason = "its process died" if isinstance(error, RayActorError) else "it gave no answer"
    return Failure("renderer_lost", f"a renderer was lost while it rendered: {reason}", cause=str(error))
