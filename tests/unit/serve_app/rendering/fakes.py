"""Works without a CAD, and renderers without a Blender."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from render_actor.contract.scene import Sampling, TemplateScene
from render_actor.contract.types import BatchResult, ViewBatch
from render_actor.contract.view_files import FileContent, PackedView, RenderedView
from render_actor.contract.view_quality import ViewQuality
from render_actor.contract.xyz_file import packed
from serve_app.rendering.fair_queue import BATCH_SECONDS
from serve_app.rendering.outcomes import ArrivedView, FailedBatch, Outcome
from serve_app.rendering.renderers import Told
from serve_app.rendering.scheduler import ViewScheduler
from serve_app.rendering.view_work import ViewWork


def make_work(job: str, views: int, group: str | None = None, *, interactive: bool = True, done: frozenset[int] = frozenset()) -> ViewWork:
    scene = TemplateScene.stock(64, np.eye(4), np.tile(np.eye(4), (views, 1, 1)), 1.0, None, Sampling(1))
    return ViewWork(job, group or job, "key", None, scene, interactive=interactive, done_before=done)


def rendered_view(view: int, *, in_sink: bool = False) -> RenderedView:
    """A view of which nobody looks at the files."""
    return RenderedView(view, (FileContent("", 0),) * 3, 1.0, 1, ViewQuality(1), in_sink, renderer="r0")


def two_a_batch(batch: ViewBatch) -> BatchResult:
    """Views that take so long that two make a batch."""
    return BatchResult("r0", seconds=BATCH_SECONDS / 2 * len(batch.views))


class CountingRenderers:
    """Answers batches after one turn of the event loop, and remembers them."""

    def __init__(self, answer: Callable[[ViewBatch], BatchResult] = two_a_batch) -> None:
        self.batches: list[ViewBatch] = []
        self.out = self.max_out = self.fetched = 0
        self._answer = answer

    async def render(self, batch: ViewBatch, told: Told) -> BatchResult:
        self.batches.append(batch)
        self.out += 1
        self.max_out = max(self.max_out, self.out)
        await asyncio.sleep(0)
        self.out -= 1
        result = self._answer(batch)
        if result.failure is None:
            for view in batch.views:
                told(rendered_view(view))
        return result

    async def fetch(self, view: RenderedView) -> PackedView:
        self.fetched += 1
        return PackedView((b"", b"", packed(np.zeros((0, 0, 3), dtype=np.float16), np.zeros((0, 0), dtype=bool))))

    def views(self, job: str | None = None) -> list[int]:
        """The views that were asked for, in order; of one job, or of all."""
        return [view for batch in self.batches if job in (None, batch.job_id) for view in batch.views]


@dataclass
class Call:
    """A batch that a renderer has until the test answers for it."""

    batch: ViewBatch
    told: Told
    answer: asyncio.Future[BatchResult]

    def succeed(self, *told_before: int, seconds: float = 1.0) -> None:
        """Tell of every view, but for those that were told before, and end the batch."""
        for view in self.batch.views:
            if view not in told_before:
                self.told(rendered_view(view))
        self.answer.set_result(BatchResult("r0", seconds=seconds))


class ManualRenderers(CountingRenderers):
    """Keeps every batch until the test answers for it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    async def render(self, batch: ViewBatch, told: Told) -> BatchResult:
        self.calls.append(Call(batch, told, asyncio.get_running_loop().create_future()))
        return await self.calls[-1].answer


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop run until something is so."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def all_turns() -> None:
    """Let everything run that can without an answer from outside."""
    for _ in range(50):
        await asyncio.sleep(0)


async def take(scheduler: ViewScheduler, work: ViewWork, outcomes: list[Outcome]) -> None:
    """Consume all outcomes of a work."""
    async with aclosing(scheduler.views(work)) as given:
        async for several in given:
            outcomes.extend(several)


def views_of(outcomes: list[Outcome]) -> list[int]:
    """The rendered views among outcomes."""
    return [outcome.view.view for outcome in outcomes if isinstance(outcome, ArrivedView)]


def failures_of(outcomes: list[Outcome]) -> list[FailedBatch]:
    """The failed batches among outcomes."""
    return [outcome for outcome in outcomes if isinstance(outcome, FailedBatch)]
