from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from pathlib import Path

import pytest

from serve_app.base.errors import ServiceError
from serve_app.rendering.single_flight import RenderingsInFlight
from serve_app.templates.staging import StagingFolder
from serve_app.templates.views import RenderedViews


def folder(tmp_path: Path, name: str) -> StagingFolder:
    staging = StagingFolder(tmp_path / name / "templates", name, name)
    staging.open()
    return staging


def rendered(staging: StagingFolder) -> RenderedViews:
    staging.write("rgb_0.png", b"x")
    views = RenderedViews()
    views.add([{"index": 0, "seconds": 1.0, "files": {"rgb_0.png": {"sha256": hashlib.sha256(b"x").hexdigest(), "bytes": 1}}}])
    return views


async def test_followers_get_copies_of_what_the_leader_renders(tmp_path: Path) -> None:
    flights, leader, follower = RenderingsInFlight(), folder(tmp_path, "a"), folder(tmp_path, "b")
    follower.write("left-by-an-earlier-server", b"x")
    with flights.lead("key") as mine:
        shared = flights.get("key")
        assert shared is mine and flights.get("other") is None
        waiting = asyncio.create_task(shared.join(follower))
        await asyncio.sleep(0)
        views = rendered(leader)
        await mine.give(leader, views)
    assert await waiting == views and os.listdir(follower.folder) == ["rgb_0.png"]
    assert flights.get("key") is None


async def test_who_comes_when_the_leader_has_just_ended_sees_for_itself(tmp_path: Path) -> None:
    flights = RenderingsInFlight()
    with flights.lead("key") as mine:
        await mine.give(folder(tmp_path, "a"), RenderedViews())
    assert await asyncio.wait_for(mine.join(folder(tmp_path, "b")), 5) is None


@pytest.mark.parametrize(
    ("error", "shared_too"),
    [
        (ServiceError("view_blank", "nothing", "recenter"), True),
        (ServiceError("storage_full", "full"), False),
        (asyncio.CancelledError(), False),
    ],
)
async def test_only_a_failure_of_the_request_is_shared(tmp_path: Path, error: BaseException, shared_too: bool) -> None:
    flights = RenderingsInFlight()
    with pytest.raises(type(error)), flights.lead("key") as mine:
        waiting = asyncio.create_task(mine.join(folder(tmp_path, "b")))
        await asyncio.sleep(0)
        raise error
    if shared_too:
        with pytest.raises(ServiceError) as caught:
            await waiting
        assert (caught.value.code, caught.value.field) == ("view_blank", "recenter")
    else:
        assert await waiting is None


async def test_a_follower_that_was_canceled_holds_nobody_up(tmp_path: Path) -> None:
    flights, leader = RenderingsInFlight(), folder(tmp_path, "a")
    with flights.lead("key") as mine:
        gone, stays = (asyncio.create_task(mine.join(folder(tmp_path, name))) for name in ("b", "c"))
        await asyncio.sleep(0)
        gone.cancel()
        views = rendered(leader)
        await mine.give(leader, views)
    assert await stays == views and gone.cancelled()


def slow_copies(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Let copies begin, saying so by the first event, and go on with the second."""
    begun, go_on = threading.Event(), threading.Event()
    real = StagingFolder.copy_from

    def copy_from(self: StagingFolder, source: Path, files: dict[str, str]) -> None:
        begun.set()
        go_on.wait(10)
        self.folder.mkdir(exist_ok=True)  # As files of a longer list would be made.
        real(self, source, files)

    monkeypatch.setattr(StagingFolder, "copy_from", copy_from)
    return begun, go_on


async def test_a_follower_that_is_canceled_while_it_copies_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = slow_copies(monkeypatch)
    flights, leader, follower = RenderingsInFlight(), folder(tmp_path, "a"), folder(tmp_path, "b")

    async def job() -> None:
        try:
            await mine.join(follower)
        finally:
            follower.discard()

    with flights.lead("key") as mine:
        canceled = asyncio.create_task(job())
        await asyncio.sleep(0)
        giving = asyncio.create_task(mine.give(leader, rendered(leader)))
        await asyncio.to_thread(begun.wait, 10)
        canceled.cancel()
        await asyncio.sleep(0.02)
        go_on.set()
        await giving
    with pytest.raises(asyncio.CancelledError):
        await canceled
    assert os.listdir(tmp_path) == ["a"]


async def test_a_leader_that_is_canceled_while_followers_copy_leaves_its_files_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = slow_copies(monkeypatch)
    flights, leader, follower = RenderingsInFlight(), folder(tmp_path, "a"), folder(tmp_path, "b")
    views = rendered(leader)
    following = asyncio.Event()

    async def lead() -> None:
        try:
            with flights.lead("key") as mine:
                await following.wait()
                await mine.give(leader, views)
        finally:
            leader.discard()

    leading = asyncio.create_task(lead())
    await asyncio.sleep(0)
    shared = flights.get("key")
    assert shared is not None
    waiting = asyncio.create_task(shared.join(follower))
    await asyncio.sleep(0)
    following.set()
    await asyncio.to_thread(begun.wait, 10)
    leading.cancel()
    await asyncio.sleep(0.02)
    go_on.set()
    assert await waiting == views and follower.intact(views.hashes())
    with pytest.raises(asyncio.CancelledError):
        await leading
    assert os.listdir(tmp_path) == ["b"]
