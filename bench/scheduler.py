"""The scheduler alone: renderers that only sleep, and many jobs at once."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

import numpy as np

from render_actor.contract.scene import Sampling, TemplateScene
from render_actor.contract.types import BatchResult, ViewBatch
from render_actor.contract.view_files import FileContent, PackedView, RenderedView
from render_actor.contract.view_quality import ViewQuality
from serve_app.rendering.renderers import Told
from serve_app.rendering.scheduler import ViewScheduler
from serve_app.rendering.view_work import ViewWork
from serve_app.service.limits import SPARE_BATCHES

RENDERERS, JOBS, VIEWS, SECONDS_A_VIEW = 16, 50, 42, 0.04
NO_FILES = (FileContent("", 0),) * 3
SCENE = TemplateScene.stock(64, np.eye(4), np.tile(np.eye(4), (VIEWS, 1, 1)), 1.0, None, Sampling(1))


class SleepingRenderers:
    """Each takes one batch at a time, as a replica does, and sleeps as long as the views would take."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(RENDERERS)

    async def render(self, batch: ViewBatch, told: Told) -> BatchResult:
        """Sleep on the next free renderer, a while for each view."""
        async with self._free:
            for view in batch.views:
                await asyncio.sleep(SECONDS_A_VIEW)
                told(RenderedView(view, NO_FILES, SECONDS_A_VIEW, 1, ViewQuality(1), in_sink=True))
        return BatchResult("sleeper", seconds=SECONDS_A_VIEW * len(batch.views))

    async def fetch(self, view: RenderedView) -> PackedView:
        """Nothing travels."""
        raise NotImplementedError


async def _render(scheduler: ViewScheduler, job: str) -> None:
    async with aclosing(scheduler.views(ViewWork(job, job, job, None, SCENE))) as outcomes:
        async for _ in outcomes:
            pass


async def _seconds() -> float:
    scheduler = ViewScheduler(SleepingRenderers(), RENDERERS + SPARE_BATCHES, queued=SPARE_BATCHES)
    began = time.monotonic()
    await asyncio.gather(*(_render(scheduler, f"job {index}") for index in range(JOBS)))
    return time.monotonic() - began


def busy_percent() -> float:
    """Views a second, as a share of what the renderers could do."""
    ideal = JOBS * VIEWS * SECONDS_A_VIEW / RENDERERS
    return 100 * ideal / asyncio.run(_seconds())
