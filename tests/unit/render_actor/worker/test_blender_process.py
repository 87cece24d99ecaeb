"""A Blender as a Ray actor, with a handle of an actor that is none."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray.exceptions import OutOfMemoryError, RayActorError, RayTaskError

from render_actor.contract.types import BatchResult, BlenderReport, Failure
from render_actor.contract.view_files import BatchAnswer, RenderedView
from render_actor.worker.blender_process import RayBlender, lost_blender
from tests.unit.render_actor.worker.fake_blender import make_batch, rendered_view

PART, SENT_PART = BatchAnswer((rendered_view(0),)), BatchAnswer((rendered_view(1, in_sink=False),))


async def answered(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


def remote(value: Any) -> Any:
    return SimpleNamespace(remote=lambda *args: answered(value))


async def streamed(answers: tuple[Any, ...]) -> AsyncIterator[Any]:
    """References to answers, as Ray gives them."""
    for answer in answers:
        yield answered(answer) if not isinstance(answer, str) else answer


def blender(start: Any = None, answers: tuple[Any, ...] = ()) -> RayBlender:
    render = SimpleNamespace(options=lambda num_returns: SimpleNamespace(remote=lambda batch: streamed(answers)))
    return RayBlender(SimpleNamespace(warm_up=remote(start), render=render))


def report(pid: int) -> BlenderReport:
    return BlenderReport("CPU", pid, (0,), {}, 1.0)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


async def test_a_blender_that_is_ready_is_seen_to_run() -> None:
    running = blender(report(os.getpid()))
    assert not running.gone and running.memory_bytes is None
    assert await running.warm_up() == report(os.getpid())
    assert not running.gone and (running.memory_bytes or 0) > 2**20


async def test_a_blender_that_does_not_start_says_why() -> None:
    said = Failure("renderer_start_failed", "no")
    assert await blender(said).warm_up() == said
    died = await blender(RayActorError()).warm_up()
    assert isinstance(died, Failure) and died.code == "renderer_start_failed" and "Failed to initialize BlenderProc" in died.message


async def test_files_that_travel_stay_in_the_object_store() -> None:
    told: list[RenderedView] = []
    sent = (rendered_view(1, in_sink=False), rendered_view(2, in_sink=False))
    end = BatchAnswer((rendered_view(4), rendered_view(5, in_sink=False)), BatchResult("r0", seconds=2.0))
    answers = (BatchAnswer((rendered_view(0), *sent)), "of 1 and 2", BatchAnswer((rendered_view(3),)), end, "of 5")
    assert await blender(answers=answers).render(make_batch(), told.append) == BatchResult("r0", seconds=2.0)
    assert [view.view for view in told] == list(range(6))
    travelled = [(view.view, view.payload, view.place) for view in told if not view.in_sink]
    assert travelled == [(1, "of 1 and 2", 0), (2, "of 1 and 2", 1), (5, "of 5", 0)]
    assert {view.payload for view in told if view.in_sink} == {None}


@pytest.mark.parametrize("answers", [(), (PART,), (PART, SENT_PART), (PART, RayActorError())])
async def test_a_blender_that_dies_while_it_renders_is_lost(answers: tuple[Any, ...]) -> None:
    told: list[RenderedView] = []
    lost = await blender(answers=answers).render(make_batch(), told.append)
    assert isinstance(lost, Failure) and lost.code == "renderer_lost" and lost.worth_retrying
    assert told == [view for answer in answers if isinstance(answer, BatchAnswer) for view in answer.views]


async def test_an_end_is_the_end_of_the_process_also_of_one_that_is_stopped(
    monkeypatch: pytest.MonkeyPatch, child: subprocess.Popen[bytes]
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(ray, "kill", told.append)
    stopped = blender(report(child.pid))
    await stopped.warm_up()
    child.send_signal(signal.SIGSTOP)
    before = stopped.gone
    await stopped.end()
    assert (before, stopped.gone) == (False, True) and stopped.memory_bytes in (None, 0) and len(told) == 1
    assert child.wait() == -signal.SIGKILL


async def test_the_end_of_one_that_never_was_ready_is_left_to_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(ray, "kill", told.append)
    await blender().end()
    assert len(told) == 1


@pytest.mark.parametrize("error", [MemoryError("at /srv/a b/c.py"), RuntimeError("/srv/x.blend: line 3\n/srv/y"), ValueError()])
def test_a_lost_blender_names_nothing_of_the_machine_but_in_the_log(error: Exception) -> None:
    lost = lost_blender(RayTaskError("BlenderActor.render()", "Traceback: /srv/x.py", error, pid=4242, ip="10.1.2.3"))
    assert not re.search(r"/|4242|10\.1", lost.message) and "/srv/x.py" in lost.cause and lost.worth_retrying


def test_a_dead_renderer_is_worth_another_try_and_one_out_of_memory_is_not() -> None:
    assert lost_blender(RayActorError()).worth_retrying
    killed = lost_blender(OutOfMemoryError("Task was killed due to the node running low on memory: memory usage 0.95"))
    assert killed.code == "out_of_memory" and killed.message.startswith("Out of memory during rendering")
