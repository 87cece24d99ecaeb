"""Works that are given up, answers that come late, and a scheduler that pauses."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from render_actor.contract.types import BatchResult, Failure
from serve_app.base.errors import ServiceError
from serve_app.rendering.scheduler import ViewScheduler
from tests.unit.serve_app.rendering.fakes import (
    ManualRenderers,
    all_turns,
    failures_of,
    make_work,
    take,
    until,
    views_of,
)


@pytest.mark.parametrize("way", ["close", "cancel", "error"])
async def test_a_work_that_is_given_up_lets_its_views_end_and_takes_nothing_from_them(way: str) -> None:
    renderers, work, outcomes = ManualRenderers(), make_work("a", 5), []
    scheduler = ViewScheduler(renderers, 2, grace_sec=60)

    async def consume() -> None:
        async with aclosing(scheduler.views(work)) as given:
            async for several in given:
                outcomes.extend(several)
                if way == "error":
                    raise ValueError
                if way == "close":
                    return

    consuming = asyncio.create_task(consume())
    await until(lambda: len(renderers.calls) == 2)
    if way == "cancel":
        consuming.cancel()
    else:
        renderers.calls.pop(0).succeed()
    await asyncio.wait({consuming})
    assert consuming.cancelled() == (way == "cancel")
    calls = list(renderers.calls)
    assert calls and not any(call.answer.done() for call in calls)  # It ends behind the back of whoever gave it up.
    taken = len(outcomes)
    for call in calls:
        call.succeed()
    await all_turns()
    assert len(outcomes) == taken and len(renderers.calls) == len(calls) and not work.progress.complete
    # Its places are free again.
    next_one = asyncio.create_task(take(scheduler, make_work("b", 2), outcomes))
    await until(lambda: len(renderers.calls) == len(calls) + 2)
    for call in renderers.calls[len(calls) :]:
        call.succeed()
    await next_one


async def test_a_view_that_nobody_wants_is_cancelled_after_the_grace_time() -> None:
    renderers = ManualRenderers()
    outcomes = ViewScheduler(renderers, 1, grace_sec=0.5).views(make_work("a", 5))
    taking = asyncio.ensure_future(anext(outcomes))
    await until(lambda: len(renderers.calls) == 1)
    taking.cancel()
    await asyncio.wait({taking})
    assert not renderers.calls[0].answer.done()
    await until(renderers.calls[0].answer.cancelled)


async def test_a_late_answer_is_dropped() -> None:
    """The first attempt ends after its work was given up; what it then says reaches nobody, and changes nothing."""
    renderers, work = ManualRenderers(), make_work("a", 1)
    outcomes = ViewScheduler(renderers, 1, grace_sec=60).views(work)
    taking = asyncio.ensure_future(anext(outcomes))
    await until(lambda: len(renderers.calls) == 1)
    taking.cancel()
    await asyncio.wait({taking})
    renderers.calls[0].succeed()
    await all_turns()
    assert renderers.fetched == 0 and work.progress.pending == 1
    with pytest.raises(StopAsyncIteration):
        await anext(outcomes)


async def test_a_pause_lets_running_views_end_and_be_taken_and_hands_out_no_more() -> None:
    renderers, finish = ManualRenderers(), asyncio.Event()
    scheduler, begun, ended = ViewScheduler(renderers, 2), [], []

    async def consume() -> None:
        async with aclosing(scheduler.views(make_work("a", 20))) as outcomes:
            async for several in outcomes:
                begun.extend(several)
                await finish.wait()  # As files are written.
                ended.extend(several)

    consuming = asyncio.create_task(consume())
    await until(lambda: len(renderers.calls) == 2)
    pausing = asyncio.create_task(scheduler.pause(60))
    await all_turns()
    for call in renderers.calls:
        call.succeed()
    await until(lambda: len(begun) > 0)
    await all_turns()
    assert not pausing.done()
    finish.set()
    await asyncio.wait_for(pausing, 10)
    assert sorted(views_of(ended)) == [0, 1] and len(renderers.calls) == 2 and not consuming.done()
    consuming.cancel()


async def test_a_pause_cancels_what_still_renders_after_the_grace_time() -> None:
    renderers, work = ManualRenderers(), make_work("a", 3)
    scheduler = ViewScheduler(renderers, 2)
    consuming = asyncio.create_task(take(scheduler, work, []))
    await until(lambda: len(renderers.calls) == 2)
    await asyncio.wait_for(scheduler.pause(0.01), 10)
    assert all(call.answer.cancelled() for call in renderers.calls) and len(renderers.calls) == 2
    assert work.progress.pending == 3
    consuming.cancel()


async def test_a_work_that_is_too_slow_keeps_its_other_renderers_and_is_not_tried_again() -> None:
    renderers, outcomes = ManualRenderers(), []  # type: ignore[var-annotated]
    scheduler = ViewScheduler(renderers, 2, grace_sec=0)
    consuming = asyncio.create_task(take(scheduler, make_work("a", 5), outcomes))
    await until(lambda: len(renderers.calls) == 2)
    too_slow = Failure("view_too_slow", "view 0 takes longer than it may", "cad_path")
    renderers.calls[0].answer.set_result(BatchResult("r0", failure=too_slow, seconds=9.0))
    with pytest.raises(ServiceError) as caught:
        await consuming
    assert (caught.value.code, caught.value.field) == ("view_too_slow", "cad_path")
    await asyncio.sleep(0.01)  # More than the grace time.
    assert not renderers.calls[1].answer.done() and len(renderers.calls) == 2
    renderers.calls[1].answer.set_result(BatchResult("r1", failure=too_slow, seconds=9.0))
    next_one = asyncio.create_task(take(scheduler, make_work("b", 1), outcomes))
    await until(lambda: len(renderers.calls) == 3)
    renderers.calls[2].succeed()
    await next_one
    assert len(failures_of(outcomes)) == 1
