"""Which renderer gets a batch: Serve's own machinery around it, renderers that only count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import pytest
from ray.exceptions import ActorDiedError
from ray.serve._private.common import DeploymentHandleSource, DeploymentID, RequestMetadata
from ray.serve.request_router import PendingRequest, ReplicaID

from serve_app.rendering import free_renderer_router
from serve_app.rendering.free_renderer_router import FreeRendererRouter
from tests.unit.serve_app.rendering.fakes import all_turns, until

DEPLOYMENT = DeploymentID("RenderWorker", "render-server")
CALL = PendingRequest(args=[], kwargs={}, metadata=RequestMetadata(request_id="q", internal_request_id="q"), future=cast(Any, None))


def call(name: str) -> PendingRequest:
    """A call that waits for a renderer."""
    return PendingRequest(args=[], kwargs={}, metadata=RequestMetadata(request_id=name, internal_request_id=name))


@dataclass
class Renderer:
    """What a router sees of a replica."""

    replica_id: ReplicaID
    max_ongoing_requests: int = 1
    ongoing: int = 0
    asked: int = 0

    async def get_queue_len(self, *, deadline_s: float) -> int:
        self.asked += 1
        return self.ongoing


def renderers(count: int) -> list[Renderer]:
    return [Renderer(ReplicaID(f"r{index}", DEPLOYMENT)) for index in range(count)]


async def router_of(replicas: Iterable[Renderer]) -> FreeRendererRouter:
    router = FreeRendererRouter(DEPLOYMENT, DeploymentHandleSource.REPLICA, use_replica_queue_len_cache=True)
    router.initialize_state()
    router.update_replicas(list(replicas))
    await all_turns()  # Serve asks each new one.
    return router


def begin(router: FreeRendererRouter, renderer: Renderer) -> None:
    """As Serve does with a call that a renderer takes."""
    router.on_send_request(renderer.replica_id)
    router.on_new_queue_len_info(renderer.replica_id, 1)
    router.on_request_routed(CALL, renderer.replica_id, None)


def end(router: FreeRendererRouter, renderer: Renderer) -> None:
    """As Serve does when that call has ended; it comes to both one after the other."""
    router.on_request_completed(renderer.replica_id, "call")
    router.decrement_queue_len_cache(renderer.replica_id)


async def chosen(router: FreeRendererRouter) -> Any:
    """The renderer that Serve would send the next call to."""
    ((candidate, *others),) = await router.choose_replicas([])
    assert not others
    return candidate


async def test_a_renderer_gets_one_call_and_nobody_is_asked() -> None:
    all_of_them = renderers(20)
    router = await router_of(all_of_them)
    taken = []
    for _ in all_of_them:
        taken.append(await chosen(router))
        router.on_send_request(taken[-1].replica_id)
    assert sorted(each.replica_id.unique_id for each in taken) == sorted(each.replica_id.unique_id for each in all_of_them)
    assert {each.asked for each in all_of_them} == {1}


async def test_two_calls_of_the_same_moment_get_two_renderers() -> None:
    router = await router_of(renderers(2))
    first, second = await asyncio.gather(chosen(router), chosen(router))
    assert first is not second


async def test_renderers_that_become_free_together_get_the_first_calls_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    for pause in ("PROMISE_SEC", "LOOK_AGAIN_SEC"):  # What was promised to nobody would stay so.
        monkeypatch.setattr(free_renderer_router, pause, 60.0)
    all_of_them = renderers(4)
    router = await router_of(all_of_them)
    for each in all_of_them:
        assert await chosen(router) is each
        begin(router, each)
    routed: list[int] = []

    async def route(number: int) -> None:
        renderer = await router._choose_replica_for_request(call(f"{number}"))
        router.on_send_request(renderer.replica_id)
        routed.append(number)

    calls = [asyncio.ensure_future(route(number)) for number in range(12)]
    for done in (4, 8, 12):
        await all_turns()
        for each in all_of_them:
            end(router, each)
        await asyncio.wait_for(asyncio.gather(*calls[:done]), 5)
        assert routed == list(range(done))
        for each in all_of_them:
            router.on_new_queue_len_info(each.replica_id, 1)
            router.on_request_routed(CALL, each.replica_id, None)


async def test_a_renderer_that_does_not_answer_keeps_no_call_from_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_renderer_router, "_ANSWER_SEC", 60.0)

    class Silent(Renderer):
        async def get_queue_len(self, *, deadline_s: float) -> int:
            await asyncio.sleep(60)
            return 0

    works, silent = renderers(1)[0], Silent(ReplicaID("silent", DEPLOYMENT))
    router = await router_of([works, silent])
    assert await asyncio.wait_for(chosen(router), 5) is works
    begin(router, works)
    waiting = asyncio.ensure_future(chosen(router))
    await all_turns()
    end(router, works)
    assert await asyncio.wait_for(waiting, 5) is works


async def test_while_all_are_busy_a_call_waits_for_the_first_that_is_free() -> None:
    first, second = renderers(2)
    router = await router_of([first, second])
    for each in (first, second):
        assert await chosen(router) is each
        begin(router, each)
    waiting = asyncio.ensure_future(chosen(router))
    await all_turns()
    assert not waiting.done()
    end(router, second)
    assert await asyncio.wait_for(waiting, 5) is second
    assert (first.asked, second.asked) == (1, 1)


@pytest.mark.parametrize("pause", [0.01, 60.0])
async def test_a_renderer_that_somebody_else_keeps_busy_is_asked_again_after_a_pause(monkeypatch: pytest.MonkeyPatch, pause: float) -> None:
    monkeypatch.setattr(free_renderer_router, "ASK_AGAIN_SEC", pause)
    (only,) = renderers(1)
    only.ongoing = 1  # As an ingress that was replaced does.
    router = await router_of([only])
    waiting = asyncio.ensure_future(chosen(router))
    began = time.monotonic()
    await (asyncio.sleep(0.1) if pause > 1 else until(lambda: only.asked >= 5))
    most = 2 if pause > 1 else 3 + (time.monotonic() - began) / pause
    assert not waiting.done() and 2 <= only.asked <= most
    only.ongoing = 0
    if pause > 1:
        waiting.cancel()
    else:
        assert await asyncio.wait_for(waiting, 5) is only


async def test_a_renderer_that_refuses_a_call_is_asked_before_it_gets_another(monkeypatch: pytest.MonkeyPatch) -> None:
    (only,) = renderers(1)
    router = await router_of([only])
    assert await chosen(router) is only
    router.on_send_request(only.replica_id)
    router.on_new_queue_len_info(only.replica_id, 1)
    router.on_request_completed(only.replica_id, "refused")
    assert await asyncio.wait_for(chosen(router), 5) is only and only.asked == 2


async def test_a_new_renderer_is_found_by_a_call_that_waits() -> None:
    first, second = renderers(2)
    router = await router_of([first])
    await chosen(router)
    router.on_send_request(first.replica_id)
    waiting = asyncio.ensure_future(chosen(router))
    await all_turns()
    router.update_replicas([first, second])
    assert await asyncio.wait_for(waiting, 5) is second


async def test_a_renderer_whose_caller_has_gone_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_renderer_router, "PROMISE_SEC", 0.05)
    monkeypatch.setattr(free_renderer_router, "LOOK_AGAIN_SEC", 0.05)
    router = await router_of(renderers(1))
    first = await chosen(router)
    assert await asyncio.wait_for(chosen(router), 5) is first


async def test_a_renderer_whose_end_nobody_told_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_renderer_router, "BELIEVED_SEC", 0.05)
    monkeypatch.setattr(free_renderer_router, "LOOK_AGAIN_SEC", 0.05)
    works, lost = renderers(2)
    router = await router_of([works, lost])
    for each in (works, lost):
        assert await chosen(router) is each
        begin(router, each)
    works.ongoing = 1
    assert await asyncio.wait_for(chosen(router), 5) is lost


async def test_a_renderer_that_has_died_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dead(Renderer):
        async def get_queue_len(self, *, deadline_s: float) -> int:
            self.asked += 1
            raise ActorDiedError

    dead, other = Dead(renderers(1)[0].replica_id), renderers(2)[1]
    router = await router_of([dead])
    waiting = asyncio.ensure_future(chosen(router))
    await all_turns()
    router.update_replicas([other])
    assert await asyncio.wait_for(waiting, 5) is other and dead.asked == 1


async def test_a_call_that_comes_to_a_renderer_which_is_scaled_away_is_the_next_that_another_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    for pause in ("PROMISE_SEC", "LOOK_AGAIN_SEC"):
        monkeypatch.setattr(free_renderer_router, pause, 60.0)
    ends, stays = renderers(2)
    router = await router_of([ends, stays])
    unlucky, later = call("unlucky"), call("later")
    assert await router._choose_replica_for_request(unlucky) is ends
    router.on_send_request(ends.replica_id)
    assert await chosen(router) is stays
    begin(router, stays)
    router.update_replicas([stays])
    behind = asyncio.ensure_future(router._choose_replica_for_request(later))
    await all_turns()
    router.on_request_completed(ends.replica_id, "unlucky")  # Refused: Serve routes it again.
    again = asyncio.ensure_future(router._choose_replica_for_request(unlucky, is_retry=True))
    await all_turns()
    for waiting in (again, behind):
        end(router, stays)
        assert await asyncio.wait_for(waiting, 5) is stays
        begin(router, stays)
        await all_turns()


async def test_renderers_that_are_gone_are_forgotten() -> None:
    first, second = renderers(2)
    router = await router_of([first, second])
    router.on_send_request((await chosen(router)).replica_id)
    await chosen(router)
    router.update_replicas([])
    router.on_request_completed(first.replica_id, "late")
    assert not router._busy_until
