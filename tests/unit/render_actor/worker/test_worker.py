"""The Serve side of a renderer."""

from __future__ import annotations

import asyncio
import dataclasses
from types import SimpleNamespace

import pytest
import ray
from ray import serve

from render_actor.contract.fence import first_fence
from render_actor.contract.types import BatchResult, Failure, RendererOptions
from render_actor.contract.view_files import BatchAnswer
from render_actor.worker import worker as worker_module
from render_actor.worker.worker import RenderWorker
from tests.unit.render_actor.worker.fake_blender import LOST, Blenders, make_batch, rendered_view, until


@pytest.fixture
def blenders(monkeypatch: pytest.MonkeyPatch) -> Blenders:
    """What a worker made here starts, as replica ``r0`` on node ``n0``."""
    blenders = Blenders()
    monkeypatch.setattr(serve, "get_replica_context", lambda: SimpleNamespace(replica_id=SimpleNamespace(unique_id="r0")))
    monkeypatch.setattr(ray, "get_runtime_context", lambda: SimpleNamespace(get_node_id=lambda: "n0"))
    monkeypatch.setattr(worker_module, "blender_launcher", lambda *_: blenders.launch)
    return blenders


async def result_of(worker: RenderWorker, fence: int = 0) -> BatchResult:
    """How a batch ended."""
    answers = [answer.result async for answer in worker.render(make_batch(fence=fence))]
    assert answers[-1] is not None and not any(answers[:-1])
    return answers[-1]


async def answer(worker: RenderWorker, blenders: Blenders, fence: int) -> BatchResult:
    blender = blenders.started[-1]
    before = len(blender.batches)
    task = asyncio.create_task(result_of(worker, fence))
    await until(lambda: task.done() or len(blender.batches) > before)
    if not task.done():
        blender.answer.set_result(BatchResult("r0"))
    return await task


async def test_batches_of_an_older_server_are_refused(blenders: Blenders) -> None:
    worker = RenderWorker(RendererOptions())
    blender = await blenders.ready(0)
    late, early = first_fence(7) + 5, first_fence(7) + 1
    for fence in (late, early):  # Of one server, in whatever order they come.
        assert (await answer(worker, blenders, fence)).failure is None
    refused = (await answer(worker, blenders, first_fence(7) - 1)).failure
    assert refused is not None and refused.code == "renderer_lost" and "a server that was replaced" in refused.message
    assert (await answer(worker, blenders, first_fence(8))).failure is None
    refused = (await answer(worker, blenders, late)).failure
    assert refused is not None and refused.code == "renderer_lost"
    assert len(blender.batches) == 3 and not blender.killed


async def test_a_lost_blender_is_an_answer_of_this_renderer(blenders: Blenders) -> None:
    worker = RenderWorker(RendererOptions())
    blender = await blenders.ready(0)
    blender.may_end.set()
    task = asyncio.create_task(result_of(worker))
    await until(lambda: bool(blender.batches))
    blender.answer.set_result(LOST)
    assert await task == BatchResult("r0", failure=LOST)


async def test_each_view_is_told_at_once_with_who_made_it(blenders: Blenders) -> None:
    worker = RenderWorker(RendererOptions())
    blender = await blenders.ready(0)
    answers = worker.render(make_batch())
    for view in (0, 1):
        asking = asyncio.ensure_future(anext(answers))
        await until(lambda: bool(blender.batches))
        blender.told(rendered_view(view))
        assert await asking == BatchAnswer((dataclasses.replace(rendered_view(view), renderer="r0", blender=blender.report),))
    blender.told(rendered_view(2))
    blender.told(rendered_view(3))
    blender.answer.set_result(BatchResult("r0", seconds=2.0))
    (last,) = [answer async for answer in answers]
    assert [view.view for view in last.views] == [2, 3] and last.result == BatchResult("r0", seconds=2.0)
    assert not blender.killed


async def test_whoever_stops_listening_ends_the_blender(blenders: Blenders) -> None:
    worker = RenderWorker(RendererOptions())
    blender = await blenders.ready(0)
    listening = asyncio.create_task(result_of(worker))
    await until(lambda: bool(blender.batches))
    listening.cancel()
    await until(lambda: blender.killed)
    assert listening.cancelled()
    blender.may_end.set()


async def test_the_status_follows_the_blender(blenders: Blenders) -> None:
    worker = RenderWorker(RendererOptions(recycle_after_jobs=1))
    status = await worker.status()
    assert (status.renderer, status.node, status.state, status.report) == ("r0", "n0", "starting", None)
    blender = await blenders.ready(0)
    blender.memory_bytes = 4096
    await until(lambda: blender.start.done())
    task = asyncio.create_task(result_of(worker))
    await until(lambda: bool(blender.batches))
    status = await worker.status()
    assert (status.state, status.report, status.memory_bytes) == ("busy", blender.report, 4096)
    blender.answer.set_result(BatchResult("r0"))
    await task
    status = await worker.status()
    assert (status.state, status.recycled, status.restarts) == ("ready", 0, 0)

    spare = await blenders.ready(1)
    blender.may_end.set()
    async with asyncio.timeout(10):
        while (status := await worker.status()).recycled == 0:
            await asyncio.sleep(0)
    assert (status.state, status.report, status.restarts) == ("ready", spare.report, 0)

    spare.gone = True
    status = await worker.status()
    assert (status.state, status.report, status.memory_bytes, status.restarts) == ("starting", None, None, 1)
    spare.may_end.set()
    await until(lambda: len(blenders.started) == 3)
    assert (await worker.status()).state == "starting"
    blenders.started[2].start.set_result(Failure("renderer_start_failed", "no"))
    async with asyncio.timeout(10):
        while (status := await worker.status()).state == "starting":
            await asyncio.sleep(0)
    assert status.state == "failed" and status.failure == Failure("renderer_start_failed", "no")


async def test_the_status_while_the_spare_takes_over_is_ready(blenders: Blenders) -> None:
    worker = RenderWorker(RendererOptions(recycle_after_jobs=1))
    old = await blenders.ready(0)
    await answer(worker, blenders, 0)
    await blenders.ready(1)

    async def swap() -> None:
        while not old.killed:
            await worker.status()
            await asyncio.sleep(0)

    swapping = asyncio.create_task(swap())
    await until(lambda: old.killed)
    assert (await worker.status()).state == "ready"
    old.may_end.set()
    await swapping
