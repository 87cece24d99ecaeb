"""Every move of a renderer's Blender, with Blenders that do what the test says."""

from __future__ import annotations

import asyncio

import pytest

from render_actor.contract.types import BatchResult, Failure
from render_actor.contract.view_files import RenderedView
from render_actor.worker.states import BlenderState
from tests.unit.render_actor.worker.fake_blender import LOST, Blenders, make_batch, make_supervisor, nobody, rendered, rendered_view, until


@pytest.fixture
def blenders() -> Blenders:
    return Blenders()


async def test_starting_to_ready(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders)
    assert (supervisor.state, supervisor.report, supervisor.failure) == (BlenderState.STARTING, None, None)
    blender = await blenders.ready(0)
    await until(lambda: supervisor.state is BlenderState.READY)
    blender.memory_bytes = 1234
    assert supervisor.report == blender.report and supervisor.memory_bytes == 1234
    assert blender.cores == () and not blender.killed and supervisor.restarts == 0


async def test_starting_to_failed(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders)
    blenders.started[0].start.set_result(Failure("renderer_start_failed", "no libSM"))
    await until(lambda: supervisor.state is BlenderState.FAILED)
    assert supervisor.failure is not None and supervisor.failure.message == "no libSM"
    assert supervisor.report is None and supervisor.memory_bytes is None


async def test_starting_to_failed_by_the_time_limit(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders, start_timeout_sec=0)
    await until(lambda: supervisor.state is BlenderState.FAILED)
    assert supervisor.failure is not None and supervisor.failure.code == "renderer_start_failed"
    assert "not ready within 0 s" in supervisor.failure.message


async def test_failed_to_replacing_to_starting_to_ready(blenders: Blenders) -> None:
    """The next batch is told why, and has another Blender started, once the failed one is seen dead."""
    supervisor = make_supervisor(blenders)
    failed = blenders.started[0]
    failed.start.set_result(Failure("renderer_start_failed", "no libSM"))
    assert await supervisor.render(make_batch(), nobody) == Failure("renderer_start_failed", "no libSM")
    assert (supervisor.state, supervisor.failure, supervisor.restarts) == (BlenderState.REPLACING, None, 1)
    await until(lambda: failed.killed)
    assert len(blenders.started) == 1
    failed.may_end.set()
    await until(lambda: supervisor.state is BlenderState.STARTING)
    await blenders.ready(1)
    await until(lambda: supervisor.state is BlenderState.READY)
    assert isinstance(await rendered(supervisor, blenders.started[1]), BatchResult)


async def test_one_that_failed_is_tried_again_when_it_is_asked_for_its_state_later(blenders: Blenders) -> None:
    """Without a batch: while no renderer is ready, a load balancer sends none."""
    soon, late = make_supervisor(blenders), make_supervisor(blenders, start_again_sec=0)
    for number, supervisor in enumerate((soon, late)):
        blenders.started[number].may_end.set()
        blenders.started[number].start.set_result(Failure("renderer_start_failed", "no GPU"))
        await until(lambda supervisor=supervisor: supervisor.state is BlenderState.FAILED)  # type: ignore[misc]
        await supervisor.refresh()
    assert soon.state is BlenderState.FAILED
    await blenders.ready(2)
    await until(lambda: late.state is BlenderState.READY)
    assert (late.restarts, len(blenders.started)) == (1, 3)


async def test_ready_to_busy_to_ready(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders)
    told: list[RenderedView] = []
    task = asyncio.create_task(supervisor.render(make_batch(), told.append))
    blender = await blenders.ready(0)
    await until(lambda: bool(blender.batches))
    assert (supervisor.state, supervisor.report) == (BlenderState.BUSY, blender.report)
    blender.told(rendered_view(0))
    assert told == [rendered_view(0)] and not task.done()
    blender.answer.set_result(BatchResult("r0", seconds=2.0))
    assert await task == BatchResult("r0", seconds=2.0)
    assert (supervisor.state, blender.killed) == (BlenderState.READY, False)


async def test_busy_to_ready_with_a_view_that_failed(blenders: Blenders) -> None:
    """The request is to blame, not the Blender."""
    supervisor = make_supervisor(blenders)
    blender = await blenders.ready(0)
    task = asyncio.create_task(supervisor.render(make_batch(), nobody))
    await until(lambda: bool(blender.batches))
    blank = Failure("view_blank", "view 0 is blank")
    blender.answer.set_result(BatchResult("r0", failure=blank))
    result = await task
    assert isinstance(result, BatchResult) and result.failure == blank
    assert supervisor.state is BlenderState.READY and not blender.killed


async def test_busy_to_replacing_by_a_cancel(blenders: Blenders) -> None:
    """The Blender is killed, and the next batch waits until it is dead and another is ready."""
    supervisor = make_supervisor(blenders)
    blender = await blenders.ready(0)
    task = asyncio.create_task(supervisor.render(make_batch("unwanted"), nobody))
    await until(lambda: bool(blender.batches))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (supervisor.state, supervisor.report, supervisor.restarts) == (BlenderState.REPLACING, None, 1)
    following = asyncio.create_task(supervisor.render(make_batch("next"), nobody))
    await until(lambda: blender.killed)
    assert len(blenders.started) == 1
    blender.may_end.set()
    fresh = await blenders.ready(1)
    await until(lambda: fresh.batches == ["next"])
    fresh.answer.set_result(BatchResult("r0"))
    assert isinstance(await following, BatchResult) and blender.batches == ["unwanted"]


async def test_busy_to_replacing_by_a_lost_blender(blenders: Blenders) -> None:
    """The batch is answered only when the Blender is seen dead: then its views may go to another."""
    supervisor = make_supervisor(blenders)
    blender = await blenders.ready(0)
    task = asyncio.create_task(supervisor.render(make_batch(), nobody))
    await until(lambda: bool(blender.batches))
    blender.answer.set_result(LOST)
    await until(lambda: blender.killed)
    assert not task.done() and supervisor.state is BlenderState.REPLACING
    blender.may_end.set()
    assert await task == LOST
    await blenders.ready(1)
    await until(lambda: supervisor.state is BlenderState.READY)
    assert supervisor.restarts == 1 and supervisor.recycled == 0


async def test_busy_to_replacing_by_the_time_limit(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders)
    blender = await blenders.ready(0)
    blender.may_end.set()
    answer = await supervisor.render(make_batch(time_limit_sec=0), nobody)
    assert isinstance(answer, Failure) and answer.code == "renderer_lost" and "within 0 s (RENDER_VIEW_TIMEOUT_SEC)" in answer.message
    assert blender.gone and answer.worth_retrying


async def test_busy_to_replacing_by_the_memory_limit(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders, memory_bytes=2**30)
    blender = await blenders.ready(0)
    blender.may_end.set()
    task = asyncio.create_task(supervisor.render(make_batch(), nobody))
    await until(lambda: bool(blender.batches))
    blender.memory_bytes = 2**30
    looks = blender.looks
    await until(lambda: blender.looks > looks + 1)
    assert not task.done()
    blender.memory_bytes = 3 * 2**30
    answer = await task
    assert isinstance(answer, Failure) and answer.code == "out_of_memory" and not answer.worth_retrying
    assert "took 3.0 GiB, and 1.0 GiB are allowed" in answer.message and "renderer_memory_bytes" in answer.message
    assert blender.gone


async def test_a_blender_over_both_limits_is_told_as_one_that_takes_too_much_memory(blenders: Blenders) -> None:
    """Otherwise a busy machine, where it takes its memory slowly, would have its views tried again on another renderer."""
    supervisor = make_supervisor(blenders, memory_bytes=2**30)
    blender = await blenders.ready(0)
    blender.memory_bytes = 3 * 2**30
    blender.may_end.set()
    answer = await supervisor.render(make_batch(time_limit_sec=0), nobody)
    assert isinstance(answer, Failure) and answer.code == "out_of_memory" and not answer.worth_retrying


async def test_busy_to_replacing_by_an_error_that_nobody_expects(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders)
    blender = await blenders.ready(0)
    task = asyncio.create_task(supervisor.render(make_batch(), nobody))
    await until(lambda: bool(blender.batches))
    blender.answer.set_exception(TypeError("cannot be pickled"))
    with pytest.raises(TypeError):
        await task
    await until(lambda: blender.killed)
    assert supervisor.state is BlenderState.REPLACING


async def test_ready_to_replacing_before_a_batch(blenders: Blenders) -> None:
    """A Blender that died without a batch costs nobody's views anything."""
    supervisor = make_supervisor(blenders)
    dead = await blenders.ready(0)
    await until(lambda: supervisor.state is BlenderState.READY)
    dead.gone = True
    dead.may_end.set()
    task = asyncio.create_task(supervisor.render(make_batch(), nobody))
    fresh = await blenders.ready(1)
    await until(lambda: bool(fresh.batches))
    fresh.answer.set_result(BatchResult("r0"))
    result = await task
    assert isinstance(result, BatchResult) and supervisor.report == fresh.report
    assert dead.batches == [] and supervisor.restarts == 1


async def test_ready_to_replacing_by_a_refresh(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders)
    dead = await blenders.ready(0)
    await until(lambda: supervisor.state is BlenderState.READY)
    await supervisor.refresh()
    assert supervisor.state is BlenderState.READY and not dead.killed
    dead.gone = True
    await supervisor.refresh()
    assert (supervisor.state, supervisor.report, supervisor.restarts) == (BlenderState.REPLACING, None, 1)
    await supervisor.refresh()
    assert supervisor.restarts == 1


async def test_a_refresh_leaves_a_busy_blender_to_its_batch(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders)
    blender = await blenders.ready(0)
    task = asyncio.create_task(supervisor.render(make_batch(), nobody))
    await until(lambda: bool(blender.batches))
    blender.gone = True
    await supervisor.refresh()
    assert supervisor.state is BlenderState.BUSY
    blender.answer.set_result(LOST)
    blender.may_end.set()
    assert await task == LOST and supervisor.restarts == 1


async def test_a_request_that_is_cancelled_during_a_start_cancels_only_itself(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders)
    impatient = asyncio.create_task(supervisor.render(make_batch("impatient"), nobody))
    patient = asyncio.create_task(supervisor.render(make_batch("patient"), nobody))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    blender = await blenders.ready(0)
    await until(lambda: blender.batches == ["patient"])
    blender.answer.set_result(BatchResult("r0"))
    assert isinstance(await patient, BatchResult) and not blender.killed


async def test_a_request_that_is_cancelled_while_its_blender_dies_cancels_only_itself(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders)
    blender = await blenders.ready(0)
    task = asyncio.create_task(supervisor.render(make_batch(), nobody))
    await until(lambda: bool(blender.batches))
    blender.answer.set_result(LOST)
    await until(lambda: blender.killed)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    blender.may_end.set()
    await blenders.ready(1)
    await until(lambda: supervisor.state is BlenderState.READY)
    assert supervisor.restarts == 1


async def test_batches_are_rendered_one_at_a_time(blenders: Blenders) -> None:
    supervisor = make_supervisor(blenders)
    blender = await blenders.ready(0)
    tasks = [asyncio.create_task(supervisor.render(make_batch(job_id), nobody)) for job_id in ("first", "second")]
    await until(lambda: blender.batches == ["first"])
    blender.answer.set_result(BatchResult("r0"))
    await tasks[0]
    await until(lambda: blender.batches == ["first", "second"])
    blender.answer.set_result(BatchResult("r0"))
    await tasks[1]
