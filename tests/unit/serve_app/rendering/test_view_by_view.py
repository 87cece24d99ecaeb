"""Views are given out one by one, while their batch still renders."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from render_actor.contract.types import BatchResult, Failure
from serve_app.base.errors import ServiceError
from serve_app.rendering import retry_policy
from serve_app.rendering.outcomes import ArrivedView, EndedBatch, FailedBatch, Outcome
from serve_app.rendering.scheduler import ViewScheduler
from tests.unit.serve_app.rendering.fakes import (
    Call,
    ManualRenderers,
    all_turns,
    failures_of,
    make_work,
    rendered_view,
    take,
    until,
    views_of,
)

LOST = BatchResult("r0", failure=Failure("renderer_lost", "a renderer was lost"))


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_policy, "FAULT_PAUSE_SEC", 0)


async def batch_of_several(renderers: ManualRenderers) -> Call:
    """The second batch of a work, which has several views since its first one was quick."""
    await until(lambda: len(renderers.calls) == 1)
    renderers.calls[0].told(rendered_view(0))
    renderers.calls[0].answer.set_result(BatchResult("r0", seconds=0.01))
    await until(lambda: len(renderers.calls) == 2)
    if len(renderers.calls[1].batch.views) == 1:  # Handed out before it was known how quick the first one was.
        renderers.calls[1].succeed()
        await until(lambda: len(renderers.calls) == 3)
    return renderers.calls[-1]


async def test_a_view_is_given_out_before_its_batch_has_ended() -> None:
    renderers, outcomes = ManualRenderers(), list[Outcome]()
    taking = asyncio.create_task(take(ViewScheduler(renderers, 1), make_work("a", 10), outcomes))
    call = await batch_of_several(renderers)
    first, *rest = call.batch.views
    call.told(rendered_view(first, in_sink=True))
    await until(lambda: first in views_of(outcomes))
    assert rest and not set(rest) & set(views_of(outcomes))
    (arrived,) = [each for each in outcomes if isinstance(each, ArrivedView) and each.view.view == first]
    assert arrived.packed is None and arrived.fence == call.batch.fence
    taking.cancel()


async def test_only_views_that_did_not_arrive_are_rendered_again() -> None:
    renderers, outcomes = ManualRenderers(), list[Outcome]()
    taking = asyncio.create_task(take(ViewScheduler(renderers, 1), make_work("a", 10), outcomes))
    lost = await batch_of_several(renderers)
    first, *rest = lost.batch.views
    lost.told(rendered_view(first))
    lost.answer.set_result(LOST)
    await until(lambda: renderers.calls[-1] is not lost)
    assert [failed.views for failed in failures_of(outcomes)] == [tuple(rest)]
    while not taking.done():
        call = renderers.calls[-1]
        assert first not in call.batch.views
        call.succeed()
        await until(lambda call=call: taking.done() or renderers.calls[-1] is not call)  # type: ignore[misc]
    await taking
    assert sorted(views_of(outcomes)) == list(range(10))


async def test_a_renderer_that_is_lost_after_its_last_view_costs_nothing() -> None:
    renderers, outcomes = ManualRenderers(), list[Outcome]()
    work = make_work("a", 1)
    taking = asyncio.create_task(take(ViewScheduler(renderers, 1), work, outcomes))
    await until(lambda: len(renderers.calls) == 1)
    renderers.calls[0].told(rendered_view(0))
    await until(lambda: views_of(outcomes) == [0])
    assert not taking.done()  # How its batch ended is told, too.
    renderers.calls[0].answer.set_exception(ConnectionError("replica gone"))
    await asyncio.wait_for(taking, 10)
    assert not failures_of(outcomes) and isinstance(outcomes[-1], EndedBatch) and len(renderers.calls) == 1


async def test_a_view_that_fails_comes_after_those_before_it() -> None:
    renderers, outcomes = ManualRenderers(), list[Outcome]()
    taking = asyncio.create_task(take(ViewScheduler(renderers, 1), make_work("a", 10), outcomes))
    call = await batch_of_several(renderers)
    first, *rest = call.batch.views
    call.told(rendered_view(first))
    call.answer.set_result(BatchResult("r0", failure=Failure("view_blank", "it is blank")))
    with pytest.raises(ServiceError, match="it is blank"):
        await taking
    assert first in views_of(outcomes)
    assert isinstance(outcomes[-1], FailedBatch) and outcomes[-1].views == tuple(rest)


async def test_a_view_told_twice_or_of_no_batch_is_given_out_once_or_never() -> None:
    renderers, outcomes = ManualRenderers(), list[Outcome]()
    taking = asyncio.create_task(take(ViewScheduler(renderers, 1), make_work("a", 1), outcomes))
    await until(lambda: len(renderers.calls) == 1)
    for view in (0, 0, 7):
        renderers.calls[0].told(rendered_view(view))
    renderers.calls[0].answer.set_result(BatchResult("r0", seconds=1.0))
    await asyncio.wait_for(taking, 10)
    assert views_of(outcomes) == [0]


async def test_a_consumer_that_leaves_while_views_wait_for_it_holds_up_no_pause() -> None:
    renderers = ManualRenderers()
    scheduler, work = ViewScheduler(renderers, 1, grace_sec=60), make_work("a", 10)
    async with aclosing(scheduler.views(work)) as outcomes:
        taking = asyncio.ensure_future(anext(outcomes))
        call = await batch_of_several(renderers)
        await taking
        for view in call.batch.views:
            call.told(rendered_view(view))
        await all_turns()
    call.answer.set_result(BatchResult("r0", seconds=1.0))
    await asyncio.wait_for(scheduler.pause(60), 10)
    assert work.untaken == 0 and work.out == 0


async def test_views_that_come_together_are_given_out_together() -> None:
    renderers, groups = ManualRenderers(), list[list[Outcome]]()

    async def consume() -> None:
        async with aclosing(ViewScheduler(renderers, 1).views(make_work("a", 30))) as given:
            async for several in given:
                groups.append(several)

    consuming = asyncio.create_task(consume())
    call = await batch_of_several(renderers)
    for view in call.batch.views:
        call.told(rendered_view(view, in_sink=True))
    await until(lambda: call.batch.views[0] in views_of(groups[-1]))
    assert views_of(groups[-1]) == list(call.batch.views) and len(call.batch.views) > 1
    consuming.cancel()


async def test_a_batch_that_ends_without_all_its_views_is_a_fault_and_they_are_rendered_again() -> None:
    renderers, outcomes = ManualRenderers(), list[Outcome]()
    taking = asyncio.create_task(take(ViewScheduler(renderers, 1), make_work("a", 1), outcomes))
    await until(lambda: len(renderers.calls) == 1)
    renderers.calls[0].answer.set_result(BatchResult("r0", seconds=1.0))
    await until(lambda: len(renderers.calls) == 2)
    renderers.calls[1].succeed()
    await asyncio.wait_for(taking, 10)
    assert views_of(outcomes) == [0] and [failed.failure.code for failed in failures_of(outcomes)] == ["renderer_lost"]
