"""The shell of a renderer, with a Blender that does nothing: its clocks and its memory bound."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace
from typing import Any

import pytest

from render_actor.contract.types import BlenderReport, Failure, RendererOptions
from render_actor.worker import worker as worker_module
from render_actor.worker.worker import RenderWorker, _Blender


def shell(**options: Any) -> RenderWorker:
    """A worker without its Serve replica."""
    worker = object.__new__(RenderWorker)
    worker._options, worker._id = RendererOptions(**options), "r0"
    return worker


def blender(start: Any) -> _Blender:
    return _Blender(SimpleNamespace(warm_up=SimpleNamespace(remote=lambda: start)))


async def test_a_blender_that_is_not_ready_in_time_has_failed() -> None:
    late = blender(asyncio.sleep(60))
    report = await shell(start_timeout_sec=0.1)._warm_up(late)
    assert isinstance(report, Failure) and report.code == "renderer_start_failed" and "not ready within 0.1 s" in report.message
    assert late.report is report and not late.gone


async def test_a_blender_that_is_ready_is_seen_to_run() -> None:
    ready = blender(asyncio.sleep(0, BlenderReport("CPU", os.getpid(), (0,), {}, 1.0)))
    assert await shell()._warm_up(ready) == ready.report and not ready.gone


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [({}, "renderer_lost", "within 0.2 s (RENDER_VIEW_TIMEOUT_SEC)"), ({"memory_bytes": 1}, "out_of_memory", "renderer_memory_bytes")],
)
async def test_a_blender_that_hangs_or_takes_too_much_is_given_up(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], code: str, says: str
) -> None:
    monkeypatch.setattr(worker_module, "_MEMORY_WATCH_SEC", 0.02)
    answer = await asyncio.wait_for(shell(**options)._answer(asyncio.sleep(60), os.getpid(), 0.2), 10)
    assert isinstance(answer, Failure) and answer.code == code and says in answer.message
