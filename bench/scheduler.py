"""The scheduler alone: renderers that only sleep, and many jobs at once."""

from __future__ import annotations

import asyncio
import time

from render_actor.contract.scene import TemplateScene
from render_actor.contract.types import BatchResult, ViewBatch
from serve_app.rendering.scheduler import ViewScheduler, ViewWork
from serve_app.service.limits import SPARE_BATCHES

RENDERERS, JOBS, VIEWS, SECONDS_A_VIEW = 16, 50, 42, 0.04


class SleepingRenderers:
    """Each takes one batch at a time, as a replica does, and sleeps as long as the views would take."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(RENDERERS)

    async def render(self, batch: ViewBatch) -> BatchResult:
        """Sleep on the next free renderer."""
        async with self._free:
            await asyncio.sleep(SECONDS_A_VIEW * len(batch.views))
        return BatchResult("sleeper", seconds=SECONDS_A_VIEW * len(batch.views))


async def _seconds() -> float:
    scheduler = ViewScheduler(SleepingRenderers().render, RENDERERS + SPARE_BATCHES)
    scene: TemplateScene = None  # type: ignore[assignment]  # Nothing looks at it.

    def work(job: str) -> ViewWork:
        async def deliver(result: BatchResult) -> None:
            await asyncio.sleep(0)

        def make_batch(views: tuple[int, ...], fence: int) -> ViewBatch:
            return ViewBatch(job, job, None, scene, views, fence)

        return ViewWork(job, VIEWS, make_batch, deliver)

    began = time.monotonic()
    await asyncio.gather(*(scheduler.run(work(f"job {index}")) for index in range(JOBS)))
    return time.monotonic() - began


def busy_percent() -> float:
    """Views a second, as a share of what the renderers could do."""
    ideal = JOBS * VIEWS * SECONDS_A_VIEW / RENDERERS
    return 100 * ideal / asyncio.run(_seconds())
