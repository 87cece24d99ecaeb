"""Who gets the renderers' time: a simulated clock, renderers that take one batch at a time, and views that take as long as they like."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict, deque
from collections.abc import Callable

import pytest

from serve_app.rendering.fair_queue import BATCH_SECONDS, BatchTurn, FairQueue
from serve_app.rendering.view_work import ViewWork
from tests.unit.serve_app.rendering.fakes import make_work

SLOW, QUICK = 40.0, 0.1
QUEUED = 2


class Simulation:
    """Works, a queue and its renderers; batches wait before the renderers in the order in which they were handed out.

    Args:
        renderers: how many.
        seconds: that a view of a job takes.
    """

    def __init__(self, renderers: int, seconds: Callable[[str], float]) -> None:
        self.now = 0.0
        self.queue = FairQueue(renderers + QUEUED, QUEUED, clock=lambda: self.now)
        self.used: dict[str, float] = defaultdict(float)
        self.first_end: dict[str, float] = {}
        self._seconds, self._places, self._free = seconds, renderers + QUEUED, renderers
        self._waiting: deque[tuple[BatchTurn, tuple[int, ...], int]] = deque()
        self._running: list[tuple[float, int, BatchTurn, tuple[int, ...], float]] = []
        self._fences = itertools.count(1)

    def holding(self, job: str) -> int:
        """Renderers that work for a job."""
        return sum(turn.work.job_id == job for _, _, turn, _, _ in self._running)

    def waiting(self, job: str) -> int:
        """Batches of a job that wait before the renderers."""
        return sum(turn.work.job_id == job for turn, _, _ in self._waiting)

    def hand_out(self) -> None:
        """Give out what may be given out now."""
        while self._places and (turn := self.queue.next()) is not None:
            fence = next(self._fences)
            self._places -= 1
            self._waiting.append((turn, turn.work.progress.start(turn.count, fence), fence))
        while self._free and self._waiting:
            turn, views, fence = self._waiting.popleft()
            self._free -= 1
            took = len(views) * self._seconds(turn.work.job_id)
            heapq.heappush(self._running, (self.now + took, fence, turn, views, took))

    def run(self, until: float, watch: Callable[[], None] = lambda: None) -> None:
        """Let time pass; ``watch`` is called after each hand-out."""
        self.hand_out()
        while self._running and self._running[0][0] <= until:
            watch()
            self.now, fence, turn, views, took = heapq.heappop(self._running)
            self._free, self._places = self._free + 1, self._places + 1
            turn.work.progress.finish(views, fence)
            turn.work.seconds_a_view = took / len(views)
            self.queue.ended(turn, took)
            self.used[turn.work.job_id] += took
            self.first_end.setdefault(turn.work.job_id, self.now)
            self.hand_out()
        self.now = until


def by_name(job: str) -> float:
    return SLOW if job.startswith("slow") else QUICK


def test_a_slow_group_leaves_ten_quick_ones_their_share_throughout() -> None:
    world = Simulation(2, by_name)
    works = [make_work("slow", 10**4), *(make_work(f"quick{number}", 10**5) for number in range(10))]
    for work in works:
        world.queue.add(work)
    for end in range(50, 1000, 50):
        before = defaultdict(float, world.used)
        world.run(end, lambda: pytest.fail("both renderers work for it") if world.holding("slow") > 1 else None)
        quick = [world.used[f"quick{number}"] - before[f"quick{number}"] for number in range(10)]
        assert sum(quick) >= 50 - BATCH_SECONDS and max(quick) - min(quick) <= 2 * BATCH_SECONDS, (end, quick)
    assert world.used["slow"] <= 1000 * 2 / 11 + 2 * SLOW


def test_one_slow_and_one_quick_group_use_the_same_time() -> None:
    world = Simulation(2, by_name)
    for work in (make_work("slow", 10**4), make_work("quick", 10**5)):
        world.queue.add(work)
    world.run(1000, lambda: pytest.fail("both renderers work for it") if world.holding("slow") > 1 else None)
    assert abs(world.used["slow"] - world.used["quick"]) <= 2 * SLOW


@pytest.mark.parametrize("renderers", [1, 2, 3, 8])
def test_a_slow_group_alone_has_all_renderers_and_no_place_in_the_queue(renderers: int) -> None:
    world = Simulation(renderers, by_name)
    world.queue.add(make_work("slow", 10**4))
    for _ in range(5):
        assert world.holding("slow") <= renderers and world.waiting("slow") == 0
        world.run(world.now + SLOW)
        assert world.holding("slow") == renderers and world.waiting("slow") == 0


@pytest.mark.parametrize("renderers", [2, 8])
def test_a_group_that_comes_waits_for_one_view_of_a_slow_one_at_most(renderers: int) -> None:
    world = Simulation(renderers, by_name)
    world.queue.add(make_work("slow", 10**4))
    world.run(100)
    world.queue.add(make_work("quick", 10**5))
    world.hand_out()
    world.run(1000)
    assert world.first_end["quick"] <= 100 + SLOW + QUICK
    # What the slow one had used before counts for nothing; from then on both use the same.
    assert abs(world.used["quick"] - renderers * 900 / 2) <= renderers * SLOW


def test_a_group_that_wanted_nothing_does_not_catch_up() -> None:
    world = Simulation(1, lambda job: 1.0)
    idle, busy = make_work("idle", 10**5), make_work("busy", 10**5)
    for work in (idle, busy):
        world.queue.add(work)
    idle.untaken = 10**3  # Its consumer does not keep up.
    world.run(500)
    idle.untaken = 0
    before = defaultdict(float, world.used)
    world.run(600)
    assert abs(world.used["idle"] - 50) <= 4 and abs(world.used["busy"] - before["busy"] - 50) <= 4


@pytest.mark.parametrize("batch_views", [QUICK, 1.5])
def test_interactive_work_gets_three_of_four_seconds(batch_views: float) -> None:
    world = Simulation(1, lambda job: batch_views if job == "batch" else 0.3)
    for work in (make_work("batch", 10**5, interactive=False), make_work("interactive", 10**5)):
        world.queue.add(work)
    world.run(1000)
    assert world.used["interactive"] / world.now == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize("spent", [30.0, None], ids=["told", "not told"])
def test_a_batch_that_was_lost_or_cancelled_counts_the_time_that_it_used(spent: float | None) -> None:
    now = 0.0
    queue = FairQueue(1, clock=lambda: now)
    works = {name: make_work(name, 100) for name in ("lost", "other")}
    for work in works.values():
        queue.add(work)
    first = queue.next()
    assert first is not None and first.work is works["lost"]
    now += 30
    queue.ended(first, spent)
    order = []
    for _ in range(15):
        turn = queue.next()
        assert turn is not None
        order.append(turn.work.job_id)
        now += 2
        queue.ended(turn, 2.0)
    assert order == ["other"] * 15


def test_groups_that_come_and_go_leave_nothing_behind() -> None:
    queue = FairQueue(2, clock=lambda: 0.0)
    works: list[ViewWork] = []
    for number in range(50):
        works.append(make_work(f"job{number}", 5))
        queue.add(works[-1])
        turn = queue.next()
        assert turn is not None
        queue.ended(turn, 1.0)
    for work in works:
        queue.remove(work)
    assert queue.next() is None and not queue._groups and not any(kind.out for kind in queue._kinds.values())
