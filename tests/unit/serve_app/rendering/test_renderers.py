"""The renderers as the service sees them, over a handle that answers what a test wants."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from ray.exceptions import ActorDiedError
from ray.serve._private.common import DeploymentID
from ray.serve.exceptions import DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle

from render_actor.contract.types import BatchResult, RendererStatus, ViewBatch
from render_actor.contract.view_files import BatchAnswer, RenderedView
from serve_app.rendering.renderers import ServeRenderers, Waits
from tests.unit.serve_app.rendering.fakes import make_work, rendered_view, until

FREE = RendererStatus("r0", "ready", "node", None, None, None, 0)
BUSY = RendererStatus("r0", "busy", "node", None, None, None, 0)
SHORT = Waits(kill_sec=0.05, ask_again_sec=0.01)


class Response:
    """Of a call that gives what a test puts into ``answers``, until it puts None there."""

    def __init__(self) -> None:
        self.canceled = False
        self.answers: asyncio.Queue[BatchAnswer | None] = asyncio.Queue()

    def __aiter__(self) -> Response:
        return self

    async def __anext__(self) -> BatchAnswer:
        answer = await self.answers.get()
        if answer is None:
            raise StopAsyncIteration
        return answer

    def cancel(self) -> None:
        self.canceled = True


class Handle:
    """Answers broadcasts one after another; the last answer again and again."""

    def __init__(self, *answers: Callable[[], Awaitable[list[Any]]]) -> None:
        self._answers, self.timeouts = list(answers), list[float]()
        self.response: Response | None = None

    def broadcast(self, method: str) -> Handle:
        assert method == "status"
        return self

    async def results_async(self, timeout_s: float, return_exceptions: bool) -> list[Any]:
        assert return_exceptions
        self.timeouts.append(timeout_s)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return await asyncio.wait_for(answer(), timeout_s)

    def options(self, stream: bool) -> Handle:
        assert stream
        return self

    @property
    def render(self) -> Handle:
        return self

    def remote(self, batch: ViewBatch) -> Response:
        self.response = Response()
        return self.response


def renderers(handle: Handle, batch_sec: float = 30, waits: Waits = SHORT) -> ServeRenderers:
    return ServeRenderers(cast(DeploymentHandle, handle), batch_sec, waits)


async def free() -> list[Any]:
    return [FREE]


async def nobody() -> list[Any]:
    raise RuntimeError("no replica is up")


async def one_died() -> list[Any]:
    return [FREE, ActorDiedError()]


async def hangs() -> list[Any]:
    await asyncio.Event().wait()
    return []


async def test_renderers_are_idle_when_every_one_of_them_has_answered() -> None:
    """A view may take longer than a client that asks for the state would wait."""
    done = asyncio.Event()

    async def busy() -> list[Any]:
        await done.wait()
        return [FREE]

    handle = Handle(nobody, one_died, busy)
    waiting = asyncio.create_task(renderers(handle).wait_idle())
    await until(lambda: len(handle.timeouts) == 3)
    assert not waiting.done()
    done.set()
    await asyncio.wait_for(waiting, 10)
    assert len(handle.timeouts) == 3


async def test_a_renderer_that_never_answers_is_waited_for_as_long_as_a_batch_may_take() -> None:
    handle = Handle(hangs)
    waiting = asyncio.create_task(renderers(handle, 300, Waits(kill_sec=30)).wait_idle())
    await until(lambda: len(handle.timeouts) == 1)
    assert 320 < handle.timeouts[0] <= 330
    waiting.cancel()


@pytest.mark.parametrize("answer", [hangs, nobody])
async def test_renderers_are_taken_for_lost_when_a_batch_could_not_take_longer(answer: Callable[[], Awaitable[list[Any]]]) -> None:
    handle = Handle(answer)
    await asyncio.wait_for(renderers(handle, 0.05).wait_idle(), 10)
    assert handle.timeouts


async def none_there() -> list[Any]:
    raise DeploymentUnavailableError(DeploymentID("RenderWorker", "app"))


async def test_where_no_renderer_is_kept_nobody_waits_for_one_that_is_idle() -> None:
    asked = ServeRenderers(cast(DeploymentHandle, Handle(none_there)), 10_000, SHORT, none_kept=True)
    await asyncio.wait_for(asked.wait_idle(), 10)
    assert await asked.statuses() == []


async def test_the_states_are_what_the_renderers_told_and_none_is_asked() -> None:
    handle = Handle(hangs)
    known = renderers(handle)
    assert await known.statuses() == []
    for status in (FREE, BUSY):
        known.told(status)
        assert await known.statuses() == [status]
    assert not handle.timeouts


async def test_files_that_travel_are_fetched_from_the_views_own_parcel() -> None:
    class Sending(Handle):
        def remote(self, batch: ViewBatch) -> Response:
            self.response = Response()
            views = [dataclasses.replace(rendered_view(view), payload=sent, place=view) for view in (0, 1)]
            views += [rendered_view(2, in_sink=True), dataclasses.replace(rendered_view(3), payload=sent_later)]
            for answer in (BatchAnswer(tuple(views), BatchResult("r0", seconds=2.0)), None):
                self.response.answers.put_nowait(answer)
            return self.response

    sent, sent_later = asyncio.Future[tuple[str, ...]](), asyncio.Future[tuple[str, ...]]()
    sent.set_result(("files of 0", "files of 1"))
    sent_later.set_result(("files of 3",))
    asked, told = renderers(Sending(free)), list[RenderedView]()
    await asked.render(make_work("a", 4).batch((0, 1, 2, 3), 1), told.append)
    assert [await asked.fetch(view) for view in told if not view.in_sink] == ["files of 0", "files of 1", "files of 3"]  # type: ignore[comparison-overlap]


async def test_views_are_told_as_they_come() -> None:
    handle, told = Handle(free), list[RenderedView]()
    rendering = asyncio.create_task(renderers(handle).render(make_work("a", 2).batch((0, 1), 1), told.append))
    await until(lambda: handle.response is not None)
    assert handle.response is not None
    for view in (0, 1):
        handle.response.answers.put_nowait(BatchAnswer((rendered_view(view),)))
        await until(lambda view=view: [each.view for each in told] == list(range(view + 1)))  # type: ignore[misc]
        assert not rendering.done()
    handle.response.answers.put_nowait(BatchAnswer((rendered_view(2), rendered_view(3)), BatchResult("r0", seconds=2.0)))
    await until(lambda: len(told) == 4)
    assert not rendering.done()  # The renderer is not free before its answer has ended.
    handle.response.answers.put_nowait(None)
    assert await rendering == BatchResult("r0", seconds=2.0)
    assert [each.view for each in told] == [0, 1, 2, 3]


async def test_a_renderer_that_is_lost_behind_its_result_has_given_it() -> None:
    class Lost(Response):
        async def __anext__(self) -> BatchAnswer:
            if self.answers.empty():
                raise ConnectionError("replica gone")
            return await super().__anext__()

    class Losing(Handle):
        def remote(self, batch: ViewBatch) -> Response:
            self.response = Lost()
            self.response.answers.put_nowait(BatchAnswer((rendered_view(0),), BatchResult("r0", seconds=2.0)))
            return self.response

    told = list[RenderedView]()
    result = await renderers(Losing(free)).render(make_work("a", 1).batch((0,), 1), told.append)
    assert result == BatchResult("r0", seconds=2.0) and [each.view for each in told] == [0]


async def test_an_answer_without_an_end_is_a_renderer_that_was_lost() -> None:
    handle = Handle(free)
    rendering = asyncio.create_task(renderers(handle).render(make_work("a", 1).batch((0,), 1), lambda _: None))
    await until(lambda: handle.response is not None)
    assert handle.response is not None
    handle.response.answers.put_nowait(None)
    with pytest.raises(ConnectionError):
        await rendering


async def test_a_batch_that_is_cancelled_is_cancelled_at_the_renderer() -> None:
    handle = Handle(free)
    rendering = asyncio.create_task(renderers(handle).render(make_work("a", 1).batch((0,), 1), lambda _: None))
    await until(lambda: handle.response is not None)
    rendering.cancel()
    await asyncio.wait({rendering})
    assert rendering.cancelled() and handle.response is not None and handle.response.canceled
