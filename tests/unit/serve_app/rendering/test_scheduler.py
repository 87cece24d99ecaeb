"""The scheduler with renderers that only count: order, fairness, retries. Real renderers are in the integration tests."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable

import pytest

from render_actor.contract.scene import TemplateScene
from render_actor.contract.types import BatchResult, Failure, ViewBatch
from serve_app.base.errors import ServiceError
from serve_app.rendering import scheduler as scheduler_module
from serve_app.rendering.scheduler import BATCH_SECONDS, MOST_LOST_RENDERERS, PayloadLostError, ViewScheduler, ViewWork

Answer = Callable[[ViewBatch], BatchResult]


class CountingRenderers:
    """Answers batches after one turn of the event loop, and remembers them; its views are such that two make a batch."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.batches: list[ViewBatch] = []
        self.out = self.most_out = 0
        self._answer = answer or (lambda batch: BatchResult("r0", seconds=BATCH_SECONDS / 2 * len(batch.views)))

    async def render(self, batch: ViewBatch) -> BatchResult:
        self.batches.append(batch)
        self.out += 1
        self.most_out = max(self.most_out, self.out)
        await asyncio.sleep(0)
        self.out -= 1
        return self._answer(batch)


def work(job: str, views: int, delivered: list[tuple[str, int]], group: str | None = None) -> ViewWork:
    scene: TemplateScene = None  # type: ignore[assignment]
    batches: list[ViewBatch] = []

    def make(indices: tuple[int, ...], fence: int) -> ViewBatch:
        batches.append(ViewBatch(job, job, None, scene, indices, fence))
        return batches[-1]

    async def deliver(result: BatchResult) -> None:
        delivered.append((job, 1))

    return ViewWork(group or job, views, make, deliver)


async def test_every_view_is_rendered_once_and_in_order() -> None:
    renderers, delivered = CountingRenderers(), []  # type: ignore[var-annotated]
    await ViewScheduler(renderers.render, 4).run(work("a", 42, delivered))
    assert [view for batch in renderers.batches for view in batch.views] == list(range(42))
    assert renderers.most_out == 4


async def test_groups_take_turns_and_a_small_job_is_not_stuck_behind_a_large_batch() -> None:
    renderers, delivered = CountingRenderers(), []  # type: ignore[var-annotated]
    scheduler = ViewScheduler(renderers.render, 2)
    large = [asyncio.create_task(scheduler.run(work(f"large{i}", 200, delivered, "batch"))) for i in range(5)]
    await asyncio.sleep(0)
    await scheduler.run(work("small", 10, delivered))
    done = sum(len(batch.views) for batch in renderers.batches if batch.job_id != "small")
    assert done < 100
    await asyncio.gather(*large)


async def test_jobs_of_one_group_go_one_after_another() -> None:
    renderers, delivered = CountingRenderers(), []  # type: ignore[var-annotated]
    scheduler = ViewScheduler(renderers.render, 2)
    await asyncio.gather(*(scheduler.run(work(name, 20, delivered, "batch")) for name in ("a", "b", "c")))
    assert [batch.job_id for batch in renderers.batches] == sorted(batch.job_id for batch in renderers.batches)


async def test_urgent_work_goes_first_and_starves_nobody() -> None:
    renderers, delivered = CountingRenderers(), []  # type: ignore[var-annotated]
    scheduler = ViewScheduler(renderers.render, 1)
    slow, quick = work("slow", 40, delivered), work("quick", 40, delivered)
    slow.urgent = False
    first = asyncio.create_task(scheduler.run(slow))
    await asyncio.sleep(0)
    await scheduler.run(quick)
    before = [batch.job_id for batch in renderers.batches]
    assert 0 < before.count("slow") <= before.count("quick") / 2
    await first


async def test_a_work_that_is_given_up_lets_its_views_end_and_takes_nothing_from_them() -> None:
    ended, delivered = [], []  # type: ignore[var-annotated]

    async def render(batch: ViewBatch) -> BatchResult:
        try:
            await asyncio.sleep(0.05 if batch.job_id == "short" else 60)
        finally:
            ended.append(batch.job_id)
        return BatchResult("r0", seconds=0.05)

    scheduler = ViewScheduler(render, 1, grace_sec=0.2)
    for name, after in (("short", 0.01), ("long", 0.01)):
        running = asyncio.create_task(scheduler.run(work(name, 5, delivered)))
        await asyncio.sleep(after)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert name not in ended  # It ends behind the back of whoever gave it up: by itself, or cancelled after the grace time.
        await asyncio.sleep(0.3)
        assert name in ended
    assert delivered == []


async def test_a_late_answer_is_dropped() -> None:
    """The first attempt hangs until after its work was given up; what it then says reaches nobody."""
    answers: list[asyncio.Future[BatchResult]] = []

    async def render(batch: ViewBatch) -> BatchResult:
        answers.append(asyncio.get_running_loop().create_future())
        return await answers[-1]

    delivered: list[tuple[str, int]] = []
    scheduler = ViewScheduler(render, 1, grace_sec=60)
    given_up = asyncio.create_task(scheduler.run(work("a", 1, delivered)))
    await asyncio.sleep(0.01)
    given_up.cancel()
    await asyncio.wait({given_up})
    answers[0].set_result(BatchResult("r0", seconds=1.0))
    await asyncio.sleep(0.01)
    assert delivered == []


async def test_views_that_are_done_are_not_rendered_again() -> None:
    renderers, delivered = CountingRenderers(), []  # type: ignore[var-annotated]
    item = work("a", 10, delivered)
    item = ViewWork("a", 10, item.make_batch, item.deliver, done_before=frozenset({0, 1, 2, 7}))
    await ViewScheduler(renderers.render, 2).run(item)
    assert sorted(view for batch in renderers.batches for view in batch.views) == [3, 4, 5, 6, 8, 9]


async def test_a_pause_lets_running_views_end_and_hands_out_no_more() -> None:
    started = 0

    async def render(batch: ViewBatch) -> BatchResult:
        nonlocal started
        started += 1
        await asyncio.sleep(0.05)
        return BatchResult("r0", seconds=0.05)

    delivered: list[tuple[str, int]] = []
    scheduler = ViewScheduler(render, 2)
    running = asyncio.create_task(scheduler.run(work("a", 20, delivered)))
    await asyncio.sleep(0.01)
    await scheduler.pause(5)
    assert started == 2 and len(delivered) == 2 and not running.done()
    running.cancel()


async def test_fences_rise_over_attempts_and_over_servers() -> None:
    fences = []
    for epoch in (3, 4):
        renderers = CountingRenderers()
        await ViewScheduler(renderers.render, 2, epoch=epoch).run(work("a", 5, []))
        fences += [batch.fence for batch in renderers.batches]
    assert fences == sorted(set(fences))


async def test_a_lost_renderer_costs_a_retry_and_no_view() -> None:
    lost: set[tuple[int, ...]] = set()

    def answer(batch: ViewBatch) -> BatchResult:
        if 3 in batch.views and batch.views not in lost:
            lost.add(batch.views)
            return BatchResult("r0", failure=Failure("renderer_lost", "gone"))
        return BatchResult("r0", seconds=1.0)

    renderers, delivered = CountingRenderers(answer), []  # type: ignore[var-annotated]
    await ViewScheduler(renderers.render, 3).run(work("a", 9, delivered))
    counts = Counter(view for batch in renderers.batches for view in batch.views)
    assert counts == {**dict.fromkeys(range(9), 1), 3: 2}


async def test_a_view_that_loses_its_renderers_fails_its_job_alone() -> None:
    def answer(batch: ViewBatch) -> BatchResult:
        if batch.job_id == "bad" and 5 in batch.views:
            return BatchResult("r0", failure=Failure("renderer_lost", "a renderer was lost"))
        return BatchResult("r0", seconds=1.0)

    renderers, delivered = CountingRenderers(answer), []  # type: ignore[var-annotated]
    scheduler = ViewScheduler(renderers.render, 2)
    outcomes = await asyncio.gather(
        scheduler.run(work("bad", 10, delivered)), scheduler.run(work("good", 10, delivered)), return_exceptions=True
    )
    assert isinstance(outcomes[0], ServiceError) and outcomes[0].code == "renderer_lost"
    assert outcomes[1] is None
    assert sum(5 in batch.views and batch.job_id == "bad" for batch in renderers.batches) == MOST_LOST_RENDERERS


async def test_a_failed_view_ends_the_job_at_once() -> None:
    renderers, delivered = CountingRenderers(lambda batch: BatchResult("r0", failure=Failure("view_blank", "view 0", "recenter"))), []  # type: ignore[var-annotated]
    with pytest.raises(ServiceError) as caught:
        await ViewScheduler(renderers.render, 2).run(work("a", 100, delivered))
    assert (caught.value.code, caught.value.field) == ("view_blank", "recenter")
    assert len(renderers.batches) <= 3


async def test_an_exception_of_the_transport_is_a_lost_renderer() -> None:
    calls = 0

    async def render(batch: ViewBatch) -> BatchResult:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError("replica gone")
        return BatchResult("r0", seconds=1.0)

    delivered: list[tuple[str, int]] = []
    await ViewScheduler(render, 1).run(work("a", 3, delivered))
    assert len(delivered) == 3


async def test_what_the_transport_says_is_for_the_log_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler_module, "REPLICA_LOST_PAUSE_SEC", 0)
    said = "ray::ServeReplica (pid=4242, ip=10.1.2.3)\n File /srv/x.py"

    async def render(batch: ViewBatch) -> BatchResult:
        raise ConnectionError(said)

    async def lost(result: BatchResult) -> None:
        raise PayloadLostError(said)

    failures: list[Failure] = []
    images_lost = work("b", 1, [])
    images_lost.deliver = lost
    for send, item in ((render, work("a", 1, [])), (CountingRenderers().render, images_lost)):
        item.on_failure = lambda result, failure, views: failures.append(failure)
        with pytest.raises(ServiceError) as caught:
            await ViewScheduler(send, 1).run(item)
        assert caught.value.code == "renderer_lost" and not re.search(r"/|4242|10\.1", caught.value.detail)
    assert all(said in failure.cause for failure in failures) and len(failures) == 2 * scheduler_module.MOST_FAULTS


async def test_images_lost_with_their_renderer_are_rendered_again() -> None:
    renderers, delivered = CountingRenderers(), []  # type: ignore[var-annotated]
    item = work("a", 4, delivered)
    keep = item.deliver
    failures = iter([PayloadLostError("owner died")])

    async def deliver(result: BatchResult) -> None:
        for error in failures:
            raise error
        await keep(result)

    item.deliver = deliver
    await ViewScheduler(renderers.render, 2).run(item)
    assert sum(len(batch.views) for batch in renderers.batches) == 5


async def test_quick_views_travel_in_larger_batches() -> None:
    renderers = CountingRenderers(lambda batch: BatchResult("r0", seconds=0.01 * len(batch.views)))
    await ViewScheduler(renderers.render, 2).run(work("a", 162, []))
    sizes = [len(batch.views) for batch in renderers.batches]
    assert max(sizes) > 4 and sum(sizes) == 162
