"""The Serve side of a renderer."""

from __future__ import annotations

import asyncio
import dataclasses
from types import SimpleNamespace

import pytest
import ray
from ray import serve

from render_actor.contract.fence import first_fence
from render_actor.contract.types import BatchResult, Failure, RendererOptions, RendererStatus
from render_actor.contract.view_files import BatchAnswer
from render_actor.worker import metrics
from render_actor.worker import worker as worker_module
from render_actor.worker.worker import RenderWorker
from tests.unit.render_actor.worker.fake_blender import LOST, Blenders, make_batch, rendered_view, until


class Ear:
    """Hears what a worker tells the ingress."""

    def __init__(self) -> None:
        self.statuses = list[RendererStatus]()

    async def tell(self, status: RendererStatus) -> float:
        self.statuses.append(status)
        return 0.25


async def nothing(instruments: object, read: object) -> None:
    """In the place of ``export_forever``: what is counted stays for the test to see."""


@pytest.fixture
def heard() -> dict[str, Ear]:
    """What was told, by the name of the deployment."""
    return {"Ingress": Ear()}


@pytest.fixture
def blenders(monkeypatch: pytest.MonkeyPatch, heard: dict[str, Ear]) -> Blenders:
    """What a worker made here starts, as replica ``r0`` on node ``n0``."""
    blenders = Blenders()
    monkeypatch.setattr(serve, "get_replica_context", lambda: SimpleNamespace(replica_id=SimpleNamespace(unique_id="r0")))
    monkeypatch.setattr(ray, "get_runtime_context", lambda: SimpleNamespace(get_node_id=lambda: "n0"))
    monkeypatch.setattr(ray.util, "get_node_ip_address", lambda: "10.0.0.1")
    monkeypatch.setattr(worker_module, "blender_launcher", lambda *_: blenders.launch)
    monkeypatch.setattr(worker_module, "teller", lambda ingress: heard[ingress].tell)
    monkeypatch.setattr(worker_module, "export_forever", nothing)
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
    worker = RenderWorker(RendererOptions(), "Ingress")
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
    worker = RenderWorker(RendererOptions(), "Ingress")
    blender = await blenders.ready(0)
    blender.may_end.set()
    task = asyncio.create_task(result_of(worker))
    await until(lambda: bool(blender.batches))
    blender.answer.set_result(LOST)
    assert await task == BatchResult("r0", failure=LOST)


async def test_what_its_blender_does_is_counted(blenders: Blenders) -> None:
    for counter in (metrics.VIEWS, metrics.STARTS, metrics.LOSSES, metrics.RECYCLES):
        counter.take()
    worker = RenderWorker(RendererOptions(), "Ingress")
    blender = await blenders.ready(0)
    task = asyncio.create_task(result_of(worker))
    await until(lambda: bool(blender.batches))
    await worker._measure()
    assert metrics.STATE.values()["busy",] == 1
    blender.told(rendered_view(0))
    blender.told(rendered_view(1, in_sink=False))
    assert metrics.VIEWS.take() == {("CPU", "draft", "direct"): 1, ("CPU", "draft", "object_store"): 1}
    assert metrics.STARTS.take() == {("ready",): 1} and metrics.LOSSES.take() == metrics.RECYCLES.take() == {}
    blender.may_end.set()
    blender.answer.set_result(LOST)
    await task
    assert metrics.LOSSES.take() == {(): 1}


async def test_each_view_is_told_at_once_with_who_made_it(blenders: Blenders) -> None:
    worker = RenderWorker(RendererOptions(), "Ingress")
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
    rest = [answer async for answer in answers]  # One, but where this machine has other things to do in between.
    assert [view.view for answer in rest for view in answer.views] == [2, 3]
    assert [answer.result for answer in rest] == [None] * (len(rest) - 1) + [BatchResult("r0", seconds=2.0)]
    assert not blender.killed


async def test_whoever_stops_listening_ends_the_blender(blenders: Blenders) -> None:
    worker = RenderWorker(RendererOptions(), "Ingress")
    blender = await blenders.ready(0)
    listening = asyncio.create_task(result_of(worker))
    await until(lambda: bool(blender.batches))
    listening.cancel()
    await until(lambda: blender.killed)
    assert listening.cancelled()
    blender.may_end.set()


async def test_the_status_follows_the_blender(blenders: Blenders) -> None:
    worker = RenderWorker(RendererOptions(recycle_after_jobs=1), "Ingress")
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
    worker = RenderWorker(RendererOptions(recycle_after_jobs=1), "Ingress")
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


async def test_the_ingress_is_told_of_each_state_while_the_worker_works(blenders: Blenders, heard: dict[str, Ear]) -> None:
    worker = RenderWorker(RendererOptions(), "Ingress")
    told = heard["Ingress"].statuses

    async def until_told(state: str) -> None:
        async with asyncio.timeout(30):
            while not told or told[-1].state != state:
                await asyncio.sleep(0.01)

    await until_told("starting")
    assert (told[0].renderer, told[0].node, told[0].address) == ("r0", "n0", "10.0.0.1")
    blender = await blenders.ready(0)
    await until_told("ready")
    task = asyncio.create_task(result_of(worker))
    await until_told("busy")
    assert not task.done() and told[-1].report == blender.report
    blender.answer.set_result(BatchResult("r0"))
    await task
    await worker.__del__()
    assert told[-1].state == "stopped"
