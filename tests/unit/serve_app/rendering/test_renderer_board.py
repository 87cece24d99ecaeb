"""The renderers by what they told."""

from __future__ import annotations

import dataclasses

from render_actor.contract.types import BlenderReport, RendererStatus
from serve_app.rendering.renderer_board import RendererBoard

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
