"""The Serve deployment that owns one Blender: Serve scales these shells, and each shell keeps its Blender alive."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import logging
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

import psutil
import ray
from ray import serve
from ray.exceptions import OutOfMemoryError, RayActorError, RayError
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from render_actor.blender.actor import OUT_OF_MEMORY, START_FAILED, remote_actor_class
from render_actor.contract.types import BatchResult, BlenderReport, Failure, RendererOptions, RendererStatus, ViewBatch
from render_actor.process.process_handle import ProcessHandle

T = TypeVar("T")

logger = logging.getLogger("ray.serve")

_CHILD_BUNDLE = 1
"""Of a replica's placement group, bundle 0 holds this shell and bundle 1 the Blender."""

_CHILDREN = 2
"""Blenders that fit the bundle at once: the one that works, and the one that is being started to replace it."""

_EPOCH_BITS = 40
"""A fence's bits above these are the number of the server that gave it out."""

_KILL_PATIENCE_SEC = 20.0
_MEMORY_WATCH_SEC = 0.5


class _Blender:
    """One Blender process and how its start went."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        self.report: BlenderReport | Failure | None = None
        self.jobs: set[str] = set()
        self._process: ProcessHandle | None = None

    def has_reported(self, report: BlenderReport | Failure) -> None:
        """Take in how its start went."""
        self.report = report
        if isinstance(report, BlenderReport):
            self._process = ProcessHandle(report.pid)

    @property
    def gone(self) -> bool:
        """Whether it came up and its process has ended since."""
        return self._process is not None and self._process.wait_for_end(0)

    async def end(self) -> None:
        """Kill it, and return when its process is seen dead."""
        ray.kill(self.actor)
        if self._process is not None:
            self._process.kill()  # Ray asks the process to end, and one that is stopped does not hear it.
            if not await asyncio.to_thread(self._process.wait_for_end, _KILL_PATIENCE_SEC):
                logger.error("process %d of a Blender does not end", self._process.pid)


class RenderWorker:
    """Takes one view batch at a time and has its Blender render it.

    Args:
        options: how each Blender is set up.
    """

    def __init__(self, options: RendererOptions) -> None:
        self._options = options
        self._id = serve.get_replica_context().replica_id.unique_id
        self._node = ray.get_runtime_context().get_node_id()
        self._restarts = self._recycled = 0
        self._newest_fence = 0
        self._busy = False
        self._blender = self._started()
        self._warming = _background(self._warm_up(self._blender))
        self._spare: asyncio.Task[_Blender | None] | None = None

    def _started(self, cores: tuple[int, ...] = ()) -> _Blender:
        """Start a Blender without waiting for it; the first batch, or a status call, sees how that went."""
        bundle = PlacementGroupSchedulingStrategy(ray.util.get_current_placement_group(), placement_group_bundle_index=_CHILD_BUNDLE)
        share = {"num_cpus": self._options.num_cpus / _CHILDREN, "num_gpus": self._options.num_gpus / _CHILDREN}
        actor = remote_actor_class().options(**share, scheduling_strategy=bundle, max_restarts=0)
        return _Blender(actor.remote(self._id, self._options, os.getpid(), cores))

    async def _warm_up(self, blender: _Blender) -> BlenderReport | Failure:
        limit = self._options.start_timeout_sec
        try:
            report = await asyncio.wait_for(blender.actor.warm_up.remote(), limit)
        except TimeoutError:
            report = Failure("renderer_start_failed", f"{START_FAILED}: it was not ready within {limit:g} s")
        except RayError as error:
            report = Failure("renderer_start_failed", f"{START_FAILED}: its process died", cause=str(error))
        blender.has_reported(report)
        if isinstance(report, Failure):
            logger.error("renderer %s: %s\n%s", self._id, report.message, report.cause)
        else:
            logger.info("renderer %s is ready on %s in %.1f s", self._id, report.device, report.start_seconds)
        return report

    async def render(self, batch: ViewBatch) -> BatchResult:
        """Render a batch. A Blender that dies or hangs is replaced, and the batch is answered with ``renderer_lost``.

        Cancelling it kills the Blender.
        """
        if batch.fence >> _EPOCH_BITS < self._newest_fence >> _EPOCH_BITS:
            return BatchResult(self._id, failure=Failure("renderer_lost", "the batch is of a server that was replaced"))
        self._newest_fence = max(self._newest_fence, batch.fence)
        await self._use_spare()
        # Shielded, here and below: cancelling this request must not cancel what all later ones wait for.
        await asyncio.shield(self._warming)
        if self._blender.gone:  # While it had nothing to do: nobody's views are to blame.
            self._replace()
        report = await asyncio.shield(self._warming)
        if isinstance(report, Failure):
            self._replace()
            return BatchResult(self._id, failure=report)
        self._busy = True
        self._blender.jobs.add(batch.job_id)
        try:
            result_ref, payload = self._blender.actor.render.options(num_returns=2).remote(batch)
            result = await self._answer(result_ref, report.pid, batch.time_limit_sec)
        except asyncio.CancelledError:
            self._replace()
            raise
        except RayError as error:
            result = _lost(error)
        finally:
            self._busy = False
        if isinstance(result, Failure):
            await asyncio.shield(self._replace())  # It is seen dead before anybody else gets its views.
            return BatchResult(self._id, failure=result)
        self._recycle_if_due(report)
        return dataclasses.replace(result, payload=payload, blender=report)

    async def _answer(self, result_ref: Any, pid: int, limit: float) -> BatchResult | Failure:
        """The Blender's answer, or why there will be none: it hangs, or it takes more memory than it may."""
        answer = asyncio.ensure_future(_awaited(result_ref))
        until = asyncio.get_running_loop().time() + limit
        try:
            while not (await asyncio.wait({answer}, timeout=_MEMORY_WATCH_SEC))[0]:
                if asyncio.get_running_loop().time() > until:
                    return Failure("renderer_lost", f"a renderer hung: it gave no answer within {limit:g} s (RENDER_VIEW_TIMEOUT_SEC)")
                if (used := _resident_bytes(pid) or 0) > self._options.memory_bytes:
                    bound = self._options.memory_bytes
                    return Failure(
                        "out_of_memory",
                        f"{OUT_OF_MEMORY}: the renderer took {used / 2**30:.1f} GiB, and {bound / 2**30:.1f} GiB are allowed; use a lower "
                        "resolution or a simpler CAD, or have the operator raise renderer_memory_bytes",
                    )
            return answer.result()
        finally:
            answer.cancel()

    def _replace(self) -> asyncio.Task[None]:
        """Start another Blender once this one is dead.

        Returns:
            The old one's end; ``_warming`` is the new one's start.
        """
        lost, self._restarts = self._blender, self._restarts + 1
        ended = _background(lost.end())

        async def start() -> BlenderReport | Failure:
            await asyncio.shield(ended)
            self._blender = self._started()
            return await self._warm_up(self._blender)

        self._warming = _background(start())
        return ended

    def _recycle_if_due(self, report: BlenderReport) -> None:
        """Start a fresh Blender beside one that has worked long enough, so that no batch waits for it."""
        old = self._blender
        memory = _resident_bytes(report.pid) or 0
        if self._spare is None and (len(old.jobs) >= self._options.recycle_after_jobs or memory > self._options.memory_bytes / 2):
            logger.info("renderer %s is recycled after %d jobs at %d MiB", self._id, len(old.jobs), memory >> 20)
            self._spare = _background(self._prepared(report.cores))

    async def _prepared(self, cores: tuple[int, ...]) -> _Blender | None:
        spare = self._started(cores if len(cores) == self._options.threads else ())
        if isinstance(await self._warm_up(spare), Failure):
            await spare.end()
            return None
        return spare

    async def _use_spare(self) -> None:
        """Swap in the fresh Blender if it is ready."""
        if self._spare is None or not self._spare.done():
            return
        spare, self._spare = self._spare.result(), None
        if spare is None or not isinstance(self._blender.report, BlenderReport) or not self._warming.done():
            if spare is not None:
                await asyncio.shield(_background(spare.end()))
            return
        old, self._blender = self._blender, spare
        self._warming = _background(_ready(spare))
        self._recycled += 1
        await asyncio.shield(_background(old.end()))
        spare.actor.take_over_cores.remote()

    async def status(self) -> RendererStatus:
        """State of this renderer. A Blender that died while it had nothing to do is found, and replaced, here."""
        if not self._busy:
            await self._use_spare()
            if self._warming.done() and self._blender.gone:
                self._replace()
        current = self._warming.result() if self._warming.done() and not self._warming.cancelled() else None
        report = current if isinstance(current, BlenderReport) else None
        failure = current if isinstance(current, Failure) else None
        if failure is not None:
            state = "failed"
        elif report is None:
            state = "starting"
        else:
            state = "busy" if self._busy else "ready"
        memory = _resident_bytes(report.pid) if report else None
        return RendererStatus(self._id, state, self._node, memory, report, failure, self._restarts, self._recycled)  # type: ignore[arg-type]


def _background(coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task of its own: in the context of a request it would end with that."""
    return asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())


async def _awaited(reference: Any) -> BatchResult:
    result: BatchResult = await reference
    return result


async def _ready(blender: _Blender) -> BlenderReport | Failure:
    assert blender.report is not None
    return blender.report


def _resident_bytes(pid: int) -> int | None:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def _lost(error: RayError) -> Failure:
    # Of any SIGKILL Ray says that it may have been for memory; these words it uses when it knows.
    if isinstance(error, OutOfMemoryError) or "running low on memory" in str(error):
        saved = "the renderer was stopped to save the machine; use a lower resolution"
        return Failure("out_of_memory", f"{OUT_OF_MEMORY}: {saved}", cause=str(error))
    reason = "its process died" if isinstance(error, RayActorError) else "it gave no answer"
    return Failure("renderer_lost", f"a renderer was lost while it rendered: {reason}", cause=str(error))
