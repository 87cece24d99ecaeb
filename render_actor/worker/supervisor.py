"""Keeps one Blender alive: starts it, watches it, replaces it when it is lost and recycles it when it has worked long enough."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from render_actor.blender.failures import START_FAILED
from render_actor.contract.types import BatchResult, BlenderReport, Failure, RendererOptions, ViewBatch
from render_actor.worker import metrics
from render_actor.worker.limits import render_within_limits
from render_actor.worker.protocol import BlenderProcess, Launch, Told
from render_actor.worker.states import BLENDER_MOVES, SPARE_MOVES, BlenderState, SpareState, StateMachine

logger = logging.getLogger("ray.serve")

MEMORY_WATCH_SEC = 0.5

START_AGAIN_SEC = 60.0
"""After so long a Blender that could not start is tried again without a batch: who heeds `GET /ready` sends none meanwhile."""


@dataclass(eq=False)
class _Member:
    """A Blender, how its start went, and the jobs that it has worked for."""

    process: BlenderProcess
    report: BlenderReport | Failure | None = None
    jobs: set[str] = field(default_factory=set)


class BlenderSupervisor:
    """Owns a renderer's Blender; ``states.py`` has its states and the moves between them.

    Make it where an event loop runs: the first Blender is started at once.

    Args:
        name: of the renderer, for logs.
        options: gives the start's time limit, the memory limit, and when a Blender is recycled.
        launch: starts a Blender.
        moved: is called after each change of the Blender's state.
        watch_sec: seconds between two looks at the memory of a Blender that renders.
        start_again_sec: see ``START_AGAIN_SEC``.

    Attributes:
        restarts: how many Blenders were replaced because they were lost, killed or could not start.
        recycled: how many Blenders were replaced because they had worked long enough.
    """

    def __init__(
        self,
        name: str,
        options: RendererOptions,
        launch: Launch,
        *,
        moved: Callable[[], None] = lambda: None,
        watch_sec: float = MEMORY_WATCH_SEC,
        start_again_sec: float = START_AGAIN_SEC,
    ) -> None:
        self._name, self._options, self._launch = name, options, launch
        self._watch_sec, self._start_again_sec, self._failed_at = watch_sec, start_again_sec, 0.0
        self.restarts = self.recycled = 0
        self._life = StateMachine(BlenderState.STARTING, BLENDER_MOVES, moved)
        self._spare_life = StateMachine(SpareState.NONE, SPARE_MOVES)
        self._tasks: set[asyncio.Task[None]] = set()
        self._one_batch = asyncio.Lock()
        self._spare: _Member | None = None
        self._blender = _Member(launch(()))
        self._settling = self._background(self._finish_start())

    @property
    def state(self) -> BlenderState:
        """Of the Blender that works."""
        return self._life.state

    @property
    def spare_state(self) -> SpareState:
        """Of the spare."""
        return self._spare_life.state

    @property
    def report(self) -> BlenderReport | None:
        """What the Blender said when it was ready; None before that, and while it is replaced."""
        report = self._blender.report
        return report if isinstance(report, BlenderReport) and self.state is not BlenderState.REPLACING else None

    @property
    def failure(self) -> Failure | None:
        """Why the Blender could not start; None in all states but ``FAILED``."""
        report = self._blender.report
        return report if isinstance(report, Failure) and self.state is BlenderState.FAILED else None

    @property
    def memory_bytes(self) -> int | None:
        """Resident memory of the Blender's process, or None where it is not known."""
        return self._blender.process.memory_bytes if self.report else None

    async def render(self, batch: ViewBatch, told: Told) -> BatchResult | Failure:
        """Render a batch as soon as the Blender is ready; one batch at a time.

        Cancelling this while the Blender renders kills it; before that, it changes nothing.

        Args:
            batch: what to render.
            told: gets each view.

        Returns:
            The Blender's answer, or why there is none. The Blender is dead by then, or could not start; another is started.
        """
        async with self._one_batch:
            await self._use_spare()
            await self._settled()
            if self._blender.process.gone:  # It died without a batch: no view is to blame.
                self._replace()
                await self._settled()
            if isinstance(self._blender.report, Failure):
                failure = self._blender.report
                self._replace()
                return failure
            return await self._render(self._blender, batch, told)

    async def refresh(self) -> None:
        """Replace a Blender that died, or could not start a while ago, and put a spare that is ready in its place; not during a batch."""
        if self._one_batch.locked():
            return
        async with self._one_batch:
            await self._use_spare()
            died = self.state is BlenderState.READY and self._blender.process.gone
            failed = self.state is BlenderState.FAILED and time.monotonic() - self._failed_at >= self._start_again_sec
            if died or failed:
                self._replace()

    async def _render(self, blender: _Member, batch: ViewBatch, told: Told) -> BatchResult | Failure:
        self._life.move(BlenderState.BUSY)
        blender.jobs.add(batch.job_id)
        try:
            outcome = await render_within_limits(blender.process, batch, told, self._options.memory_bytes, self._watch_sec)
        except BaseException:
            self._replace()
            raise
        if isinstance(outcome, Failure):
            # Nobody else gets its views before it is seen dead.
            await asyncio.shield(self._replace())
            return outcome
        self._life.move(BlenderState.READY)
        self._recycle_if_due()
        return outcome

    async def _settled(self) -> None:
        # Shielded, here and below: a request that is cancelled must not cancel what all later ones wait for.
        while self.state not in (BlenderState.READY, BlenderState.FAILED):
            await asyncio.shield(self._settling)

    def _replace(self) -> asyncio.Task[None]:
        """Kill the Blender, and start another one when it is seen dead.

        Returns:
            The old one's end.
        """
        self._life.move(BlenderState.REPLACING)
        self.restarts += 1
        metrics.LOSSES.add()
        ended = self._background(self._blender.process.end())
        self._settling = self._background(self._start_after(ended))
        return ended

    async def _start_after(self, ended: asyncio.Task[None]) -> None:
        await ended
        self._life.move(BlenderState.STARTING)
        self._blender = _Member(self._launch(()))
        await self._finish_start()

    async def _finish_start(self) -> None:
        ready = await self._warm_up(self._blender)
        if not ready:
            self._failed_at = time.monotonic()
        self._life.move(BlenderState.READY if ready else BlenderState.FAILED)

    async def _warm_up(self, blender: _Member) -> bool:
        limit = self._options.start_timeout_sec
        try:
            report = await asyncio.wait_for(blender.process.warm_up(), limit)
        except TimeoutError:
            report = Failure("renderer_start_failed", f"{START_FAILED}: it was not ready within {limit:g} s")
        blender.report = report
        metrics.STARTS.add(1, "failed" if isinstance(report, Failure) else "ready")
        if isinstance(report, Failure):
            logger.error("renderer %s: %s\n%s", self._name, report.message, report.cause)
            return False
        logger.info("renderer %s is ready on %s in %.1f s", self._name, report.device, report.start_seconds)
        return True

    def _recycle_if_due(self) -> None:
        """Start a spare beside a Blender that has worked long enough, so that no batch waits for the fresh one."""
        blender, memory, report = self._blender, self.memory_bytes or 0, self.report
        due = len(blender.jobs) >= self._options.recycle_after_jobs or memory > self._options.memory_bytes / 2
        if due and report is not None and self.spare_state is SpareState.NONE:
            logger.info("renderer %s is recycled after %d jobs at %d MiB", self._name, len(blender.jobs), memory >> 20)
            self._spare_life.move(SpareState.WARMING)
            self._background(self._start_spare(report.cores if len(report.cores) == self._options.threads else ()))

    async def _start_spare(self, cores: tuple[int, ...]) -> None:
        spare = _Member(self._launch(cores))
        if await self._warm_up(spare):
            self._spare = spare
            self._spare_life.move(SpareState.WARM)
        else:
            await spare.process.end()
            self._spare_life.move(SpareState.NONE)

    async def _use_spare(self) -> None:
        """Put a warm spare in the Blender's place; end it where that one was replaced meanwhile, or the spare itself has died."""
        if self._spare is None:
            return
        spare, self._spare = self._spare, None
        self._spare_life.move(SpareState.NONE)
        if self.state is BlenderState.READY and not spare.process.gone:
            self._life.move(BlenderState.SWAPPING)
            old, self._blender = self._blender, spare
            self._settling = self._background(self._swap(old, spare))
            await asyncio.shield(self._settling)
        else:
            await asyncio.shield(self._background(spare.process.end()))

    async def _swap(self, old: _Member, spare: _Member) -> None:
        await old.process.end()
        spare.process.take_over_cores()
        self.recycled += 1
        metrics.RECYCLES.add()
        self._life.move(BlenderState.READY)

    def _background(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task outside the request's context, in which it would end with the request."""
        task = asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
