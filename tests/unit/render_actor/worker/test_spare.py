"""A Blender that has worked long enough is recycled by a spare, and no batch waits for it."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from render_actor.contract.types import BatchResult, Failure
from render_actor.worker.states import BlenderState, SpareState
from render_actor.worker.supervisor import BlenderSupervisor
from tests.unit.render_actor.worker.fake_blender import LOST, Blenders, FakeBlender, make_batch, make_supervisor, nobody, rendered, until


@pytest.fixture
def blenders() -> Blenders:
    return Blenders()


async def recycled(blenders: Blenders) -> tuple[BlenderSupervisor, FakeBlender]:
    """A supervisor whose first Blender, given back beside it, has worked for as many jobs as it should."""
    supervisor = make_supervisor(blenders, recycle_after_jobs=1)
    old = await blenders.ready(0)
    assert isinstance(await rendered(supervisor, old), BatchResult)
    return supervisor, old


async def warm(blenders: Blenders, supervisor: BlenderSupervisor) -> FakeBlender:
    spare = await blenders.ready(1)
    await until(lambda: supervisor.spare_state is SpareState.WARM)
    return spare


async def test_none_to_warming_by_jobs(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders, recycle_after_jobs=2)
    old = await blenders.ready(0)
    for job_id in ("a", "a"):
        await rendered(supervisor, old, job_id)
        assert supervisor.spare_state is SpareState.NONE
    await rendered(supervisor, old, "b")
    assert supervisor.spare_state is SpareState.WARMING and supervisor.state is BlenderState.READY
    await until(lambda: len(blenders.started) == 2)
    assert blenders.started[1].cores == old.report.cores
    await rendered(supervisor, old, "c")  # Nothing waits for it, and there is one spare at most.
    assert len(blenders.started) == 2


async def test_none_to_warming_by_memory(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders, memory_bytes=1000)
    old = await blenders.ready(0)
    for memory, state in ((500, SpareState.NONE), (501, SpareState.WARMING)):
        old.memory_bytes = memory
        await rendered(supervisor, old)
        assert supervisor.spare_state is state


async def test_a_blender_that_is_not_pinned_leaves_no_cores_to_its_spare(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders, recycle_after_jobs=1, threads=4)
    await rendered(supervisor, await blenders.ready(0))
    await until(lambda: len(blenders.started) == 2)
    assert blenders.started[1].cores == ()


async def test_warming_to_warm_to_none_and_ready_to_swapping_to_ready(blenders: Blenders) -> None:
    supervisor, old = await recycled(blenders)
    spare = await warm(blenders, supervisor)
    assert not old.killed
    task = asyncio.create_task(supervisor.render(make_batch("next"), nobody))
    await until(lambda: old.killed)
    assert (supervisor.state, supervisor.spare_state) == (BlenderState.SWAPPING, SpareState.NONE)
    assert supervisor.report == spare.report and not spare.batches
    before = spare.owns_cores
    old.may_end.set()
    await until(lambda: spare.batches == ["next"])
    assert (before, spare.owns_cores) == (False, True)  # After the old one's end, which held them.
    spare.answer.set_result(BatchResult("r0"))
    result = await task
    assert isinstance(result, BatchResult) and supervisor.report == spare.report
    assert (supervisor.recycled, supervisor.restarts) == (1, 0)


async def test_ready_to_swapping_by_a_refresh(blenders: Blenders) -> None:
    supervisor, old = await recycled(blenders)
    await warm(blenders, supervisor)
    old.may_end.set()
    await supervisor.refresh()
    assert supervisor.state is BlenderState.READY and supervisor.recycled == 1 and old.gone


async def test_a_spare_takes_the_place_of_a_blender_that_died_without_a_batch(blenders: Blenders) -> None:
    supervisor, old = await recycled(blenders)
    spare = await warm(blenders, supervisor)
    old.gone = True
    old.may_end.set()
    await rendered(supervisor, spare)
    assert (supervisor.recycled, supervisor.restarts, len(blenders.started)) == (1, 0, 3)


async def test_a_spare_waits_for_the_end_of_a_batch(blenders: Blenders) -> None:
    supervisor, old = await recycled(blenders)
    task = asyncio.create_task(supervisor.render(make_batch("long"), nobody))
    await until(lambda: "long" in old.batches)
    spare = await warm(blenders, supervisor)
    await supervisor.refresh()
    assert (supervisor.state, supervisor.spare_state) == (BlenderState.BUSY, SpareState.WARM)
    old.answer.set_result(BatchResult("r0"))
    old.may_end.set()
    await task
    await rendered(supervisor, spare)


async def test_warming_to_none_by_a_failed_start(blenders: Blenders) -> None:
    """The old one works on, and the next batch has another spare started."""
    supervisor, old = await recycled(blenders)
    await until(lambda: len(blenders.started) == 2)
    failed = blenders.started[1]
    failed.start.set_result(Failure("renderer_start_failed", "no"))
    failed.may_end.set()
    await until(lambda: supervisor.spare_state is SpareState.NONE)
    assert failed.gone and supervisor.state is BlenderState.READY
    await rendered(supervisor, old)
    assert supervisor.spare_state is SpareState.WARMING and supervisor.restarts == 0


async def test_warm_to_none_when_the_blender_was_replaced_meanwhile(blenders: Blenders) -> None:
    supervisor, old = await recycled(blenders)
    task = asyncio.create_task(supervisor.render(make_batch("fatal"), nobody))
    await until(lambda: "fatal" in old.batches)
    spare = await warm(blenders, supervisor)
    old.answer.set_result(LOST)
    old.may_end.set()
    assert await task == LOST
    spare.may_end.set()
    following = asyncio.create_task(supervisor.render(make_batch(), nobody))
    await until(lambda: spare.gone)
    fresh = await blenders.ready(2)
    await until(lambda: bool(fresh.batches))
    fresh.answer.set_result(BatchResult("r0"))
    await following
    assert (supervisor.recycled, supervisor.restarts) == (0, 1) and not spare.batches


async def test_warm_to_none_when_the_spare_has_died(blenders: Blenders) -> None:
    supervisor, old = await recycled(blenders)
    spare = await warm(blenders, supervisor)
    spare.gone = True
    spare.may_end.set()
    await rendered(supervisor, old)
    assert (supervisor.recycled, supervisor.restarts) == (0, 0) and not old.killed


async def test_a_request_that_is_cancelled_during_a_swap_cancels_only_itself(blenders: Blenders) -> None:
    supervisor, old = await recycled(blenders)
    spare = await warm(blenders, supervisor)
    task = asyncio.create_task(supervisor.render(make_batch(), nobody))
    await until(lambda: old.killed)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    old.may_end.set()
    await until(lambda: supervisor.state is BlenderState.READY)
    assert spare.owns_cores and not spare.batches and supervisor.recycled == 1


async def test_blenders_are_started_outside_the_context_of_a_request(blenders: Blenders) -> None:
    """A task in the context of a request ends with it."""
    request = contextvars.ContextVar[str]("request")
    contexts: list[str | None] = []

    class Watched(Blenders):
        def launch(self, cores: tuple[int, ...]) -> FakeBlender:
            contexts.append(request.get(None))
            return super().launch(cores)

    watched = Watched()
    supervisor = make_supervisor(watched, recycle_after_jobs=1)
    request.set("a client's")
    old = await watched.ready(0)
    old.may_end.set()
    await rendered(supervisor, old)  # The start of a spare.
    await until(lambda: len(watched.started) == 2)
    await supervisor.render(make_batch(time_limit_sec=0), nobody)  # The start of another in the place of one that hangs.
    await until(lambda: len(watched.started) == 3)
    assert contexts == [None, None, None]
