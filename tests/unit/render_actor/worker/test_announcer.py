"""A renderer that tells how it is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from render_actor.contract.types import RendererState, RendererStatus
from render_actor.worker.announcer import Announcer


class Renderer:
    """Has a state, and a service that hears it, or does not."""

    def __init__(self) -> None:
        self.state: RendererState = "starting"
        self.told = list[str]()
        self.deaf = False
        self.together_sec = 0.0

    async def status(self) -> RendererStatus:
        return RendererStatus("r0", self.state, "n0", None, None, None, 0)

    async def tell(self, status: RendererStatus) -> float:
        if self.deaf:
            raise ConnectionError("no ingress")
        self.told.append(status.state)
        return self.together_sec


@contextlib.asynccontextmanager
async def announcing(renderer: Renderer, beat_sec: float) -> AsyncIterator[Announcer]:
    announcer = Announcer(renderer.status, renderer.tell, beat_sec)
    task = asyncio.create_task(announcer.run())
    try:
        yield announcer
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until_told(renderer: Renderer, count: int) -> None:
    async with asyncio.timeout(10):
        while len(renderer.told) < count:
            await asyncio.sleep(0)


async def test_a_change_is_told_without_waiting_for_the_beat() -> None:
    renderer = Renderer()
    async with announcing(renderer, beat_sec=3600) as announcer:
        await until_told(renderer, 1)
        for count, state in enumerate(("ready", "busy"), 2):
            renderer.state = state  # type: ignore[assignment]
            announcer.changed()
            await until_told(renderer, count)
    assert renderer.told == ["starting", "ready", "busy"]


async def test_what_does_not_change_is_told_again() -> None:
    renderer = Renderer()
    async with announcing(renderer, beat_sec=0.001):
        await until_told(renderer, 3)
    assert set(renderer.told) == {"starting"}


async def test_it_is_told_again_in_time_however_long_changes_are_collected() -> None:
    renderer = Renderer()
    renderer.together_sec = 3600.0
    async with announcing(renderer, beat_sec=0.001):
        await until_told(renderer, 3)


@pytest.mark.parametrize("state", ["ready", "busy"])
async def test_a_service_that_is_away_hears_the_next_beat(state: RendererState) -> None:
    renderer = Renderer()
    renderer.deaf = True
    async with announcing(renderer, beat_sec=0.001):
        await asyncio.sleep(0.01)
        renderer.state, renderer.deaf = state, False
        await until_told(renderer, 1)
    assert renderer.told[0] == state
