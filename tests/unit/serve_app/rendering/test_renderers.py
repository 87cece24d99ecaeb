"""The renderers as the service sees them, over a handle that answers what a test wants."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from ray.exceptions import ActorDiedError
from ray.serve.handle import DeploymentHandle

from render_actor.contract.types import RendererStatus
from serve_app.rendering import renderers as renderers_module
from serve_app.rendering.renderers import ServeRenderers

FREE = RendererStatus("r0", "ready", "node", None, None, None, 0)


class Handle:
    """Answers broadcasts one after another; the last answer again and again."""

    def __init__(self, *answers: Callable[[], Awaitable[list[Any]]]) -> None:
        self._answers, self.asked = list(answers), 0

    def broadcast(self, method: str) -> Handle:
        assert method == "status"
        self.asked += 1
        return self

    async def results_async(self, timeout_s: float, return_exceptions: bool) -> list[Any]:
        assert return_exceptions
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return await asyncio.wait_for(answer(), timeout_s)


async def nobody() -> list[Any]:
    raise RuntimeError("no replica is up")


async def one_died() -> list[Any]:
    return [FREE, ActorDiedError()]


async def busy() -> list[Any]:
    await asyncio.sleep(0.3)
    return [FREE]


async def hangs() -> list[Any]:
    await asyncio.sleep(60)
    return []


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renderers_module, "_ASK_AGAIN_SEC", 0.01)
    monkeypatch.setattr(renderers_module, "_KILL_SEC", 0.0)
    monkeypatch.setattr(renderers_module, "_GIVE_UP_SEC", 0.1)


async def test_renderers_are_quiet_when_every_one_of_them_has_answered() -> None:
    """A view may take longer than a client that asks for the state would wait."""
    handle = Handle(nobody, one_died, busy)
    began = time.monotonic()
    await ServeRenderers(cast(DeploymentHandle, handle), 30).wait_idle()
    assert handle.asked == 3 and 0.3 <= time.monotonic() - began < 10


@pytest.mark.parametrize("answer", [hangs, nobody])
async def test_a_renderer_that_never_answers_is_waited_for_as_long_as_a_batch_may_take(answer: Callable[[], Awaitable[list[Any]]]) -> None:
    began = time.monotonic()
    await ServeRenderers(cast(DeploymentHandle, Handle(answer)), 0.2).wait_idle()
    assert 0.2 <= time.monotonic() - began < 10


async def test_the_state_of_renderers_that_do_not_answer_is_unknown() -> None:
    assert await ServeRenderers(cast(DeploymentHandle, Handle(one_died)), 30).statuses() == [FREE]
    assert await ServeRenderers(cast(DeploymentHandle, Handle(hangs)), 30).statuses() == []
