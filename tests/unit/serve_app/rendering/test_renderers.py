"""The renderers as the service sees them, over a handle that answers what a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from ray.exceptions import ActorDiedError, OwnerDiedError
from ray.serve.handle import DeploymentHandle

from render_actor.contract.types import BatchResult, EncodedView, RendererStatus, ViewBatch
from render_actor.contract.view_quality import ViewQuality
from serve_app.rendering.renderers import PayloadLostError, ServeRenderers, Waits
from tests.unit.serve_app.rendering.fakes import make_work, until

FREE = RendererStatus("r0", "ready", "node", None, None, None, 0)
BUSY = RendererStatus("r0", "busy", "node", None, None, None, 0)
SHORT = Waits(fresh_sec=0, status_wait_sec=0.05, status_timeout_sec=0.05, kill_sec=0.05, ask_again_sec=0.01)


class Response:
    """Of a call that never ends by itself."""

    def __init__(self) -> None:
        self.canceled = False
        self.never: asyncio.Future[BatchResult] = asyncio.Future()

    def __await__(self) -> Any:
        return self.never.__await__()

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


async def test_the_state_of_renderers_that_do_not_answer_is_unknown() -> None:
    assert await renderers(Handle(one_died)).statuses() == [FREE]
    assert await renderers(Handle(hangs), waits=Waits(status_timeout_sec=0.05)).statuses() == []


async def test_a_renderer_that_has_answered_before_and_does_not_now_is_busy() -> None:
    handle = Handle(free, hangs)
    asked = renderers(handle, waits=Waits(fresh_sec=0, status_wait_sec=0.05))
    assert await asked.statuses() == [FREE]
    assert await asked.statuses() == [BUSY]


async def test_a_state_that_is_fresh_is_not_asked_for_again() -> None:
    handle = Handle(free)
    asked = renderers(handle, waits=Waits(fresh_sec=60))
    assert await asked.statuses() == await asked.statuses() == [FREE]
    assert len(handle.timeouts) == 1


async def test_images_come_from_the_object_store_and_may_be_lost_with_their_owner() -> None:
    asked = renderers(Handle(free))
    there: asyncio.Future[list[EncodedView]] = asyncio.Future()
    there.set_result([EncodedView(0, b"", b"", b"", 1.0, 1, ViewQuality(1))])
    assert [view.view for view in await asked.fetch(BatchResult("r0", there))] == [0]
    gone: asyncio.Future[list[EncodedView]] = asyncio.Future()
    gone.set_exception(OwnerDiedError("ab" * 28, b"", ""))
    with pytest.raises(PayloadLostError):
        await asked.fetch(BatchResult("r0", gone))


async def test_a_batch_that_is_cancelled_is_cancelled_at_the_renderer() -> None:
    handle = Handle(free)
    rendering = asyncio.create_task(renderers(handle).render(make_work("a", 1).batch((0,), 1)))
    await until(lambda: handle.response is not None)
    rendering.cancel()
    await asyncio.wait({rendering})
    assert rendering.cancelled() and handle.response is not None and handle.response.canceled
