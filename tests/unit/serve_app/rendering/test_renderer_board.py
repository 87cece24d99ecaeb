"""The renderers by what they told."""

from __future__ import annotations

import dataclasses

from render_actor.contract.types import BlenderReport, RendererStatus
from render_actor.worker.announcer import BEAT_SEC
from serve_app.rendering.renderer_board import LOST_SEC, RendererBoard

REPORT = BlenderReport("CPU", 7, (0,), {}, 3.0)
READY = RendererStatus("a", "ready", "n0", 4096, REPORT, None, 0)


def test_every_renderer_is_named_with_what_it_last_told() -> None:
    board = RendererBoard()
    assert board.statuses() == []
    busy = dataclasses.replace(READY, state="busy")
    for status in (READY, dataclasses.replace(READY, renderer="b"), busy):
        board.told(status)
    assert board.statuses() == [busy, dataclasses.replace(READY, renderer="b")]


def test_one_that_is_silent_is_lost_then_forgotten_and_back_when_it_tells_again() -> None:
    now = 0.0
    board = RendererBoard(lost_sec=10, forget_sec=100, clock=lambda: now)
    board.told(READY)
    now = 9
    assert board.statuses() == [READY]
    now = 10
    (lost,) = board.statuses()
    assert (lost.renderer, lost.state, lost.node, lost.report, lost.memory_bytes) == ("a", "lost", "n0", REPORT, None)
    board.told(READY)
    assert board.statuses() == [READY]
    now = 110
    assert board.statuses() == []


def test_one_that_is_told_to_end_is_not_lost() -> None:
    board = RendererBoard()
    board.told(READY)
    board.told(dataclasses.replace(READY, state="stopped"))
    assert board.statuses() == []


def test_many_renderers_tell_their_changes_more_rarely_and_never_so_rarely_that_they_seem_lost() -> None:
    board = RendererBoard()
    pauses = [board.told(dataclasses.replace(READY, renderer=f"{number}")) for number in range(1000)]
    assert pauses[0] == pauses[3] < pauses[24] < pauses[49]
    assert pauses == sorted(pauses)
    assert 2 * (pauses[-1] + BEAT_SEC) <= LOST_SEC  # One of them may be lost.
