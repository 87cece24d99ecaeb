"""Whether a renderer is ready, as far as the service has heard."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Literal

import pytest

from render_actor.contract.types import BatchResult, Failure, RendererStatus, ViewBatch
from serve_app.rendering.readiness import WatchedRenderers
from tests.unit.serve_app.rendering.fakes import ManualRenderers, make_work, rendered_view, until

State = Literal["starting", "ready", "busy", "failed"]
NEVER = 1000.0


class ToldRenderers(ManualRenderers):
    """Keep every batch, and have the states that a test gives them."""

    def __init__(self, *states: State) -> None:
        super().__init__()
        self.states: tuple[State, ...] = states
        self.asked = 0

    async def statuses(self) -> list[RendererStatus]:
        self.asked += 1
        return [RendererStatus(str(number), state, "node", None, None, None, 0) for number, state in enumerate(self.states)]

    async def wait_idle(self) -> None:
        return


@contextlib.asynccontextmanager
async def running(work: Coroutine[Any, Any, Any]) -> AsyncIterator[asyncio.Task[Any]]:
    """A task for the length of the ``with``."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


def batch() -> ViewBatch:
    return make_work("a", 2).batch((0, 1), 1)


def nobody(view: object) -> None:
    """Wants to know of no view."""


@pytest.mark.parametrize(
    ("states", "ready"),
    [((), False), (("starting",), False), (("failed", "starting"), False), (("failed", "ready"), True), (("busy",), True)],
)
async def test_one_that_is_ready_is_enough(states: tuple[State, ...], ready: bool) -> None:
    watched = WatchedRenderers(ToldRenderers(*states))
    assert not watched.ready
    await watched.statuses()
    assert watched.ready is ready


async def test_they_are_asked_until_one_is_ready_and_then_hardly_ever() -> None:
    renderers = ToldRenderers()
    watched = WatchedRenderers(renderers, doubt_sec=0.001, idle_sec=NEVER)
    async with running(watched.watch()):
        await until(lambda: renderers.asked > 2)
        renderers.states = ("ready",)
        await until(lambda: watched.ready)
        asked = renderers.asked
        await asyncio.sleep(0.05)
        assert renderers.asked == asked


async def test_a_blender_that_died_while_nothing_was_rendered_is_noticed() -> None:
    renderers = ToldRenderers("ready")
    watched = WatchedRenderers(renderers, doubt_sec=0.001, idle_sec=0.01)
    async with running(watched.watch()):
        await until(lambda: watched.ready)
        renderers.states = ("starting",)
        await until(lambda: not watched.ready)


async def test_views_say_that_their_renderer_is_ready_and_nobody_is_asked_meanwhile() -> None:
    renderers = ToldRenderers("starting")
    watched, told = WatchedRenderers(renderers, doubt_sec=0.001, idle_sec=0.001), list[int]()
    async with running(watched.render(batch(), lambda view: told.append(view.view))):
        await until(lambda: bool(renderers.calls))
        renderers.calls[0].told(rendered_view(0))
        assert watched.ready and told == [0]
        async with running(watched.watch()):
            await asyncio.sleep(0.05)
            assert renderers.asked == 0
        await watched.statuses()  # Of a renderer that is busy, an older state may be all that is known.
        assert watched.ready


async def test_a_batch_that_failed_by_its_own_fault_says_that_its_renderer_is_ready() -> None:
    renderers = ToldRenderers()
    watched = WatchedRenderers(renderers)
    async with running(watched.render(batch(), nobody)) as rendering:
        await until(lambda: bool(renderers.calls))
        renderers.calls[0].answer.set_result(BatchResult("r0", failure=Failure("view_blank", "nothing is in the picture")))
        await rendering
    assert watched.ready


def lost(answer: asyncio.Future[BatchResult]) -> None:
    answer.set_result(BatchResult("r0", failure=Failure("renderer_lost", "it died")))


def unreachable(answer: asyncio.Future[BatchResult]) -> None:
    answer.set_exception(ConnectionError("gone"))


def canceled(answer: asyncio.Future[BatchResult]) -> None:
    answer.cancel()


@pytest.mark.parametrize("end", [lost, unreachable, canceled])
@pytest.mark.parametrize("state", ["starting", "ready"])
async def test_a_renderer_that_was_lost_is_asked_about_however_busy_others_are(
    end: Callable[[asyncio.Future[BatchResult]], None], state: State
) -> None:
    renderers = ToldRenderers("ready")
    watched = WatchedRenderers(renderers, doubt_sec=0.01, idle_sec=NEVER)
    await watched.statuses()
    renderers.states = (state,)
    async with running(watched.render(batch(), nobody)), running(watched.render(batch(), nobody)) as rendering:
        await until(lambda: len(renderers.calls) == 2)
        async with running(watched.watch()):
            end(renderers.calls[1].answer)
            await asyncio.wait({rendering})
            assert watched.ready  # Another may be: that is known in a moment.
            await until(lambda: renderers.asked == 2)
            await asyncio.sleep(0.01)
            assert watched.ready is (state == "ready")
