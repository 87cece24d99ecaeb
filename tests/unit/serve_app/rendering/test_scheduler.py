"""The scheduler with renderers that only count: retries, back-pressure, closing. Real renderers are in the integration tests."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections import Counter
from contextlib import aclosing

import pytest

from render_actor.contract.scene import sampling_for
from render_actor.contract.types import BatchResult, Failure, ViewBatch
from render_actor.contract.view_files import PackedView, RenderedView
from render_actor.contract.view_time import batch_limit_sec
from serve_app.base.errors import ServiceError
from serve_app.rendering import fair_queue, retry_policy
from serve_app.rendering import scheduler as scheduler_module
from serve_app.rendering.outcomes import FailedBatch, Outcome
from serve_app.rendering.parcel import PayloadLostError
from serve_app.rendering.renderers import Told
from serve_app.rendering.retry_policy import MAX_FAULTS, MAX_LOST_RENDERERS
from serve_app.rendering.scheduler import ViewScheduler
from serve_app.rendering.view_work import MAX_UNTAKEN_BATCHES
from tests.unit.serve_app.rendering.fakes import (
    CountingRenderers,
    ManualRenderers,
    all_turns,
    failures_of,
    make_work,
    take,
    until,
    views_of,
)

LOST = BatchResult("r0", failure=Failure("renderer_lost", "a renderer was lost"))


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_policy, "FAULT_PAUSE_SEC", 0)


async def test_every_view_is_rendered_once_and_in_order() -> None:
    renderers, outcomes = CountingRenderers(), []  # type: ignore[var-annotated]
    await take(ViewScheduler(renderers, 4), make_work("a", 42), outcomes)
    assert renderers.views() == list(range(42)) == sorted(views_of(outcomes))
    assert renderers.max_out == 4


async def test_a_batch_says_all_that_a_renderer_needs() -> None:
    renderers, work = CountingRenderers(), make_work("a", 1)
    await take(ViewScheduler(renderers, 1), work, [])
    batch = renderers.batches[0]
    assert (batch.job_id, batch.mesh_key, batch.mesh, batch.scene, batch.views) == ("a", "key", None, work.scene, (0,))
    assert batch.time_limit_sec == work.time_limit_sec


def test_a_renderer_has_time_for_all_samples_that_a_view_may_take() -> None:
    work = make_work("a", 1)
    scene = dataclasses.replace(work.scene, width=2048, height=2048, sampling=sampling_for("standard", max_samples=256))
    limit = dataclasses.replace(work, scene=scene).batch((0,), 0).time_limit_sec
    assert limit == batch_limit_sec(2048**2, scene.sampling.most_samples(2048**2), work.time_limit_sec) > work.time_limit_sec


async def test_views_are_told_together_for_longer_where_many_batches_are_out() -> None:
    told = []
    for count in (1, 10, 50, 1000):
        renderers = ManualRenderers()
        taking = asyncio.ensure_future(take(ViewScheduler(renderers, count), make_work("a", count), []))
        await all_turns()
        assert len(renderers.calls) == count
        told.append(renderers.calls[-1].batch.together_sec)
        taking.cancel()
    assert told[0] == told[1] < told[2] < told[3] <= 2


async def test_slow_views_that_come_after_quick_ones_get_all_renderers_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (scheduler_module, fair_queue):
        monkeypatch.setattr(module, "FIRST_VIEW_SECONDS", 1.0)
    renderers = ManualRenderers()
    scheduler = ViewScheduler(renderers, 2)
    quick = asyncio.ensure_future(take(scheduler, make_work("quick", 1), []))
    await until(lambda: len(renderers.calls) == 1)
    renderers.calls[0].succeed(seconds=0.01)
    await quick
    slow = asyncio.ensure_future(take(scheduler, make_work("slow", 20), []))
    await all_turns()
    assert len(renderers.calls) == 2
    await until(lambda: len(renderers.calls) == 3)  # Though nothing has happened.
    slow.cancel()


async def test_works_share_the_renderers() -> None:
    renderers = CountingRenderers()
    scheduler = ViewScheduler(renderers, 2)
    await asyncio.gather(*(take(scheduler, make_work(name, 20), []) for name in ("a", "b")))
    first = Counter(batch.job_id for batch in renderers.batches[:20] for _ in batch.views)
    assert abs(first["a"] - first["b"]) <= 4  # The first one had both renderers when the second one came.


async def test_views_that_are_done_are_not_rendered_again() -> None:
    renderers, outcomes = CountingRenderers(), []  # type: ignore[var-annotated]
    scheduler = ViewScheduler(renderers, 2)
    await take(scheduler, make_work("a", 10, done=frozenset({0, 1, 2, 7})), outcomes)
    assert sorted(renderers.views()) == [3, 4, 5, 6, 8, 9] == sorted(views_of(outcomes))
    await take(scheduler, make_work("b", 3, done=frozenset({0, 1, 2})), outcomes)
    assert renderers.views("b") == []


async def test_fences_rise_over_attempts_and_over_servers() -> None:
    fences = []
    for epoch in (3, 4):
        renderers = CountingRenderers()
        await take(ViewScheduler(renderers, 2, epoch=epoch), make_work("a", 5), [])
        fences += [batch.fence for batch in renderers.batches]
    assert fences == sorted(set(fences))


async def test_a_lost_renderer_costs_a_retry_and_no_view() -> None:
    lost: set[tuple[int, ...]] = set()

    def answer(batch: ViewBatch) -> BatchResult:
        if 3 in batch.views and batch.views not in lost:
            lost.add(batch.views)
            return LOST
        return BatchResult("r0", seconds=1.0)

    renderers, outcomes = CountingRenderers(answer), []  # type: ignore[var-annotated]
    await take(ViewScheduler(renderers, 3), make_work("a", 9), outcomes)
    assert Counter(renderers.views()) == {**dict.fromkeys(range(9), 1), 3: 2}
    assert sorted(views_of(outcomes)) == list(range(9))
    assert [(failed.views, failed.tried_again) for failed in failures_of(outcomes)] == [((3,), True)]


async def test_a_view_that_loses_its_renderers_fails_its_job_alone() -> None:
    def answer(batch: ViewBatch) -> BatchResult:
        return LOST if batch.job_id == "bad" and 5 in batch.views else BatchResult("r0", seconds=1.0)

    renderers, bad, good = CountingRenderers(answer), [], []  # type: ignore[var-annotated]
    scheduler, work = ViewScheduler(renderers, 2), make_work("bad", 10)
    ends = await asyncio.gather(take(scheduler, work, bad), take(scheduler, make_work("good", 10), good), return_exceptions=True)
    assert isinstance(ends[0], ServiceError) and ends[0].code == "renderer_lost" and ends[1] is None
    assert sorted(views_of(good)) == list(range(10))
    assert renderers.views("bad").count(5) == MAX_LOST_RENDERERS
    assert [failed.tried_again for failed in failures_of(bad)] == [True] * (MAX_LOST_RENDERERS - 1) + [False]
    assert work.retries.ends_renderers


async def test_a_failed_view_ends_the_job_at_once() -> None:
    renderers = CountingRenderers(lambda batch: BatchResult("r0", failure=Failure("view_blank", "view 0", "recenter")))
    outcomes: list[Outcome] = []
    with pytest.raises(ServiceError) as caught:
        await take(ViewScheduler(renderers, 2), make_work("a", 100), outcomes)
    assert (caught.value.code, caught.value.field) == ("view_blank", "recenter")
    assert len(renderers.batches) <= 3
    assert not failures_of(outcomes)[0].tried_again


async def test_a_job_that_has_failed_gets_no_renderer_though_its_consumer_does_not_know_yet() -> None:
    renderers = ManualRenderers()
    async with aclosing(ViewScheduler(renderers, 2).views(make_work("a", 100))) as outcomes:
        taking = asyncio.ensure_future(anext(outcomes))
        await until(lambda: len(renderers.calls) == 2)
        renderers.calls[0].answer.set_result(BatchResult("r0", failure=Failure("view_blank", "view 0")))
        assert isinstance((await taking)[-1], FailedBatch)
        renderers.calls[1].succeed()
        await all_turns()
        handed_out = len(renderers.calls)
        with pytest.raises(ServiceError):
            await anext(outcomes)
    assert handed_out <= 3


class Unreachable(CountingRenderers):
    """Fails some calls as Serve and Ray do."""

    def __init__(self, renders: int = 0, fetches: int = 0, said: str = "replica gone") -> None:
        super().__init__()
        self._renders, self._fetches, self._said = renders, fetches, said

    async def render(self, batch: ViewBatch, told: Told) -> BatchResult:
        if self._renders:
            self._renders -= 1
            raise ConnectionError(self._said)
        return await super().render(batch, told)

    async def fetch(self, view: RenderedView) -> PackedView:
        if self._fetches:
            self._fetches -= 1
            raise PayloadLostError(self._said)
        return await super().fetch(view)


async def test_an_exception_of_the_transport_is_a_lost_renderer() -> None:
    outcomes: list[Outcome] = []
    await take(ViewScheduler(Unreachable(renders=1), 1), make_work("a", 3), outcomes)
    assert sorted(views_of(outcomes)) == [0, 1, 2] and len(failures_of(outcomes)) == 1


async def test_images_lost_with_their_renderer_are_rendered_again() -> None:
    renderers, outcomes = Unreachable(fetches=1), []  # type: ignore[var-annotated]
    await take(ViewScheduler(renderers, 2), make_work("a", 4), outcomes)
    assert len(renderers.views()) == 5 and sorted(views_of(outcomes)) == [0, 1, 2, 3]


@pytest.mark.parametrize("what", ["renders", "fetches"])
async def test_what_the_transport_says_is_for_the_log_alone(what: str) -> None:
    said = "ray::ServeReplica (pid=4242, ip=10.1.2.3)\n File /srv/x.py"
    outcomes: list[Outcome] = []
    with pytest.raises(ServiceError) as caught:
        await take(ViewScheduler(Unreachable(**{what: 100}, said=said), 1), make_work("a", 1), outcomes)
    assert caught.value.code == "renderer_lost" and not re.search(r"/|4242|10\.1", caught.value.detail)
    assert len(outcomes) == MAX_FAULTS and all(said in failed.failure.cause for failed in failures_of(outcomes))


async def test_a_fault_of_the_program_fails_the_job_and_does_not_hang_it() -> None:
    class Broken(CountingRenderers):
        async def fetch(self, view: RenderedView) -> PackedView:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(take(ViewScheduler(Broken(), 1), make_work("a", 3), []), 10)


async def test_images_are_fetched_without_holding_a_renderers_place() -> None:
    class SlowNetwork(CountingRenderers):
        def __init__(self) -> None:
            super().__init__()
            self.arrive = asyncio.Event()

        async def fetch(self, view: RenderedView) -> PackedView:
            await self.arrive.wait()
            return await super().fetch(view)

    renderers, outcomes = SlowNetwork(), []  # type: ignore[var-annotated]
    taking = asyncio.create_task(take(ViewScheduler(renderers, 1), make_work("a", 3), outcomes))
    await until(lambda: len(renderers.batches) == 3)
    assert outcomes == []
    renderers.arrive.set()
    await taking
    assert sorted(views_of(outcomes)) == [0, 1, 2]


async def test_a_consumer_that_is_slow_gets_no_more_views_than_it_can_follow_and_holds_up_nobody() -> None:
    renderers = CountingRenderers()
    scheduler, other = ViewScheduler(renderers, 2), []  # type: ignore[var-annotated]
    async with aclosing(scheduler.views(make_work("slow", 200))) as outcomes:
        taken = await anext(outcomes)
        await take(scheduler, make_work("other", 50), other)
        await all_turns()
        assert renderers.fetched - len(other) <= MAX_UNTAKEN_BATCHES
        held = len([batch for batch in renderers.batches if batch.job_id == "slow"])
        assert held <= MAX_UNTAKEN_BATCHES + 2  # What was out when it fell behind comes on top.
        taken += [outcome async for several in outcomes for outcome in several]
    assert sorted(views_of(taken)) == list(range(200)) and sorted(views_of(other)) == list(range(50))
