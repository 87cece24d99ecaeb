"""Which work gives the next views: without an event loop, and with views that end at once."""

from __future__ import annotations

import pytest

from render_actor.contract.types import Failure
from serve_app.rendering.fair_queue import (
    BATCH_SECONDS,
    FIRST_VIEW_SECONDS,
    HANDOVER_SECONDS,
    MAX_VIEWS_A_BATCH,
    SHARED_BATCH_SECONDS,
    FairQueue,
)
from serve_app.rendering.view_work import MAX_UNTAKEN_BATCHES, ViewWork
from tests.unit.serve_app.rendering.fakes import make_work


class Turns:
    """Hands batches out of a queue; each is done, in the time that was expected, before the next one."""

    def __init__(self, *works: ViewWork, in_flight: int = 2) -> None:
        self.now = 0.0
        self.queue = FairQueue(in_flight, clock=lambda: self.now)
        self.sizes: list[int] = []
        self._fence = 0
        for work in works:
            self.queue.add(work)

    def next(self) -> str | None:
        """The job whose turn it is."""
        turn = self.queue.next()
        if turn is None:
            return None
        work, self._fence = turn.work, self._fence + 1
        work.progress.finish(work.progress.start(turn.count, self._fence), self._fence)
        self.now += turn.turn.expected
        self.queue.ended(turn, turn.turn.expected)
        self.sizes.append(turn.count)
        return work.job_id

    def all(self) -> list[str]:
        """The jobs in the order of their turns, until nothing is left."""
        jobs = []
        while (job := self.next()) is not None:
            jobs.append(job)
        return jobs


def test_groups_take_turns_and_a_small_job_is_not_stuck_behind_a_large_batch() -> None:
    works = [make_work(f"large{index}", 200, "batch") for index in range(5)] + [make_work("small", 10)]
    jobs = Turns(*works).all()
    assert [job == "small" for job in jobs[:20]] == [False, True] * 10


def test_jobs_of_one_group_go_one_after_another() -> None:
    jobs = Turns(*(make_work(name, 20, "batch") for name in ("a", "b", "c"))).all()
    assert jobs == ["a"] * 20 + ["b"] * 20 + ["c"] * 20


def test_interactive_work_gets_three_of_four_batches_and_starves_nobody() -> None:
    jobs = Turns(make_work("slow", 40, interactive=False), make_work("quick", 30)).all()
    assert jobs[:40] == (["quick"] * 3 + ["slow"]) * 10
    assert set(jobs[40:]) == {"slow"}


def test_a_work_that_comes_later_has_its_turn_at_once() -> None:
    turns = Turns(make_work("first", 100))
    turns.next()
    turns.queue.add(make_work("second", 100))
    assert {turns.next(), turns.next()} == {"first", "second"}


def test_a_work_that_is_taken_out_gets_nothing() -> None:
    gone, stays = make_work("gone", 5, "batch"), make_work("stays", 5, "batch")
    turns = Turns(gone, stays)
    turns.queue.remove(gone)
    assert turns.all() == ["stays"] * 5
    turns.queue.remove(stays)
    assert turns.next() is None


@pytest.mark.parametrize("seconds_a_view", [HANDOVER_SECONDS, 2 * HANDOVER_SECONDS])
def test_while_views_are_quick_a_first_view_is_awaited_for_a_moment_before_a_second_one_goes_out(seconds_a_view: float) -> None:
    now, before, work = 0.0, make_work("before", 1), make_work("a", 20)
    queue = FairQueue(4, clock=lambda: now)

    def next_views() -> int:
        turn = queue.next()
        if turn is None:
            return 0
        turn.work.progress.start(turn.count, 1)
        return turn.count

    queue.add(before)
    turn = queue.next()
    assert turn is not None
    queue.remove(before)
    queue.ended(turn, seconds_a_view)
    queue.add(work)
    assert next_views() == 1
    if seconds_a_view <= HANDOVER_SECONDS:
        assert next_views() == 0
        now = FIRST_VIEW_SECONDS
    assert [next_views() for _ in range(4)] == [1, 1, 1, 0]  # It has all renderers then.


def test_a_batch_is_one_view_until_it_is_known_how_long_a_view_takes() -> None:
    turns = Turns(make_work("a", 20))
    turns.all()
    assert turns.sizes == [1] * 20


def test_quick_views_travel_in_larger_batches_and_the_last_ones_are_spread() -> None:
    work = make_work("a", 30)
    work.seconds_a_view = 0.2
    turns = Turns(work, in_flight=2)
    turns.all()
    assert turns.sizes == [10, 10, 5, 3, 1, 1]


def test_views_that_are_done_before_another_renderer_could_have_them_stay_together() -> None:
    expected = {HANDOVER_SECONDS / 3.5: [3, 3, 3, 3], HANDOVER_SECONDS / 20: [12], 2 * HANDOVER_SECONDS: [3, 3, 2, 1, 1, 1, 1]}
    for seconds, sizes in expected.items():
        work = make_work("a", 12)
        work.seconds_a_view = seconds
        turns = Turns(work, in_flight=4)
        turns.all()
        assert turns.sizes == sizes, seconds


@pytest.mark.parametrize(("seconds", "sizes"), [(0.01, [20, 20]), (SHARED_BATCH_SECONDS / 5, [5] * 8)])
def test_works_that_share_the_renderers_hand_equal_parts_to_theirs(seconds: float, sizes: list[int]) -> None:
    works = [make_work(name, 40) for name in ("a", "b", "c")]
    queue = FairQueue(6, clock=lambda: 0.0, more_to_come=lambda: True)
    for work in works:
        work.seconds_a_view = seconds
        queue.add(work)
    handed_out: dict[str, list[int]] = {work.job_id: [] for work in works}
    while (turn := queue.next()) is not None:
        turn.work.progress.start(turn.count, len(handed_out[turn.work.job_id]) + 1)
        handed_out[turn.work.job_id].append(turn.count)
    assert list(handed_out.values()) == [sizes] * 3


@pytest.mark.parametrize(("more", "begin", "least"), [(True, [20, 20, 20, 19, 19, 19], 19), (False, [20, 17, 14, 11, 10, 10], 10)])
def test_the_last_views_of_several_works_are_spread_over_all_renderers(more: bool, begin: list[int], least: int) -> None:
    works = [make_work(name, 40) for name in ("a", "b", "c")]
    queue = FairQueue(6, clock=lambda: 0.0, more_to_come=lambda: more)
    for work in works:
        work.seconds_a_view = SHARED_BATCH_SECONDS / 25
        queue.add(work)
        work.progress.start(1, 10**6)  # So that equal parts would be 20 views each.
        work.progress.finish((0,), 10**6)
    handed_out: list[int] = []
    while (turn := queue.next()) is not None:
        turn.work.progress.start(turn.count, len(handed_out) + 1)
        handed_out.append(turn.count)
    assert handed_out[:6] == begin and sum(handed_out) == 3 * 39
    assert sorted(handed_out)[3:] >= [least] * len(handed_out[3:])  # What is left of each is less.


def test_a_work_asks_one_view_how_long_it_takes_while_another_work_knows_that_already() -> None:
    new, known = make_work("new", 40), make_work("known", 40)
    known.seconds_a_view = 0.01
    queue = FairQueue(6, clock=lambda: 0.0)
    queue.add(new)
    queue.add(known)
    handed_out: list[tuple[str, int]] = []
    while known.progress.pending and (turn := queue.next()) is not None:
        turn.work.progress.start(turn.count, len(handed_out) + 1)
        handed_out.append((turn.work.job_id, turn.count))
    assert handed_out == [("new", 1), ("known", 14), ("known", 14), ("known", 12)]
    # Nobody else wants a renderer now, so it has others, too.
    turn = queue.next()
    assert turn is not None and turn.work is new


def test_a_batch_is_about_two_seconds_of_work() -> None:
    for seconds, size in ((BATCH_SECONDS / 3, 3), (BATCH_SECONDS, 1), (100.0, 1), (0.0, MAX_VIEWS_A_BATCH)):
        work = make_work("a", 100)
        work.seconds_a_view = seconds
        turns = Turns(work)
        turns.next()
        assert turns.sizes == [size], seconds


def test_views_that_were_lost_together_go_again_one_by_one() -> None:
    work = make_work("a", 20)
    work.seconds_a_view = 0.01
    views = work.progress.start(2, fence=10**6)
    work.retries.decide(views, Failure("renderer_lost", "a renderer was lost"))
    work.progress.give_up(views, 10**6)
    turns = Turns(work)
    turns.all()
    assert turns.sizes[:3] == [1, 1, 10]


def test_a_work_whose_consumer_does_not_keep_up_waits_and_others_go_on() -> None:
    slow, other = make_work("slow", 5, "batch"), make_work("other", 3, "batch")
    slow.untaken = MAX_UNTAKEN_BATCHES
    turns = Turns(slow, other)
    assert turns.all() == ["other"] * 3
    slow.untaken -= 1
    assert turns.all() == ["slow"] * 5


def test_a_work_that_has_failed_gets_nothing_more() -> None:
    work = make_work("a", 5)
    work.given_up = True
    assert Turns(work).next() is None
