"""A Blender that does what a test tells it, when it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np

from render_actor.contract.scene import TemplateScene, sampling_for
from render_actor.contract.types import BatchResult, BlenderReport, Failure, RendererOptions, ViewBatch
from render_actor.contract.view_files import FileContent, RenderedView
from render_actor.contract.view_quality import ViewQuality
from render_actor.worker.protocol import Told
from render_actor.worker.supervisor import BlenderSupervisor

SCENE = TemplateScene.stock(64, np.eye(4), np.eye(4)[None], 1.0, None, sampling_for("draft"))
LOST = Failure("renderer_lost", "gone")


def nobody(_: RenderedView) -> None:
    """To whom views are told that no test looks at."""


def rendered_view(view: int, *, in_sink: bool = True) -> RenderedView:
    return RenderedView(view, (FileContent("", 0),) * 3, 1.0, 1, ViewQuality(1), in_sink)


class FakeBlender:
    """A ``BlenderProcess`` whose start, answer and end are futures of the test's."""

    def __init__(self, number: int, cores: tuple[int, ...]) -> None:
        loop = asyncio.get_running_loop()
        self.number, self.cores = number, cores
        self.start: asyncio.Future[BlenderReport | Failure] = loop.create_future()
        self.answer: asyncio.Future[BatchResult | Failure] = loop.create_future()
        self.batches: list[str] = []
        self.told: Told = nobody
        self.may_end = asyncio.Event()
        self.killed = self.gone = self.owns_cores = False
        self.looks = 0
        self._memory_bytes: int | None = None

    @property
    def memory_bytes(self) -> int | None:
        self.looks += 1
        return self._memory_bytes

    @memory_bytes.setter
    def memory_bytes(self, value: int | None) -> None:
        self._memory_bytes = value

    @property
    def report(self) -> BlenderReport:
        return BlenderReport("CPU", self.number, (self.number,), {}, 1.0)

    async def warm_up(self) -> BlenderReport | Failure:
        return await self.start

    async def render(self, batch: ViewBatch, told: Told) -> BatchResult | Failure:
        self.told = told
        self.batches.append(batch.job_id)
        self.answer = asyncio.get_running_loop().create_future()
        return await self.answer

    async def end(self) -> None:
        self.killed = True
        await self.may_end.wait()
        self.gone = True

    def take_over_cores(self) -> None:
        self.owns_cores = True


class Blenders:
    """The Blenders that a supervisor has started, in order."""

    def __init__(self) -> None:
        self.started: list[FakeBlender] = []

    def launch(self, cores: tuple[int, ...]) -> FakeBlender:
        self.started.append(FakeBlender(len(self.started), cores))
        return self.started[-1]

    async def ready(self, number: int) -> FakeBlender:
        """The Blender of a number, as soon as it is started, which then becomes ready."""
        await until(lambda: len(self.started) > number)
        blender = self.started[number]
        blender.start.set_result(blender.report)
        return blender


def make_batch(job_id: str = "job", **values: Any) -> ViewBatch:
    return ViewBatch(job_id, "key", None, SCENE, (0,), **values)


def make_supervisor(blenders: Blenders, start_again_sec: float = 1000, **options: Any) -> BlenderSupervisor:
    """Looks at the memory all the time."""
    return BlenderSupervisor("r0", RendererOptions(**options), blenders.launch, watch_sec=0, start_again_sec=start_again_sec)


async def rendered(supervisor: BlenderSupervisor, blender: FakeBlender, job_id: str = "job") -> BatchResult | Failure:
    """Have a batch rendered by a Blender that must be the one that gets it."""
    before = len(blender.batches)
    task = asyncio.create_task(supervisor.render(make_batch(job_id), nobody))
    await until(lambda: len(blender.batches) > before)
    blender.answer.set_result(BatchResult("r0"))
    return await task


async def until(condition: Callable[[], bool]) -> None:
    """Let others run until something is true; ten seconds are for a test that fails."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)
