"""Identical renderings at the same time, with jobs that render by writing one file, and no cache."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from render_actor.contract.view_files import FileContent
from serve_app.base.directory import Directory
from serve_app.base.errors import ServiceError
from serve_app.rendering.single_flight import SingleFlight
from serve_app.templates.places import Places
from serve_app.templates.staging import StagingFolder
from serve_app.templates.views import RenderedViews
from tests.unit.serve_app.rendering.fakes import all_turns, until
from tests.unit.serve_app.templates_made import staging_at


class Job:
    """Renders or copies one view, and publishes it.

    Attributes:
        got: how it came to its templates: ``rendered`` or ``copied``.
    """

    def __init__(self, flights: SingleFlight, folder: Path, key: str = "key") -> None:
        self.target = folder / "templates"
        self.got = ""
        self._flights, self._key = flights, key
        self._staging = staging_at(folder.parent, self.target, folder.name)
        self._staging.open()
        self._go_on: asyncio.Future[None] = asyncio.Future()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            async with self._flights.hold(self._key, self.target.parent.name) as flight:
                views = await flight.copy_into(self._staging)
                self.got = "rendered" if views is None else "copied"
                if views is None:
                    await self._go_on
                    views = self._render()
                self._staging.publish(views.sizes())
                flight.published(self.target, views)
        except BaseException:
            self._staging.discard()
            raise

    def _render(self) -> RenderedViews:
        self._staging.write("rgb_0.png", b"x")
        file = {"sha256": hashlib.sha256(b"x").hexdigest(), "bytes": 1}
        return RenderedViews({0: {"index": 0, "seconds": 1.0, "files": {"rgb_0.png": file}}})

    def finish(self, error: BaseException | None = None) -> None:
        """Let its rendering end."""
        if error is None:
            self._go_on.set_result(None)
        else:
            self._go_on.set_exception(error)

    async def end(self) -> BaseException | None:
        """Wait for its end; returns what it was ended by."""
        await asyncio.wait({self.task}, timeout=10)
        return self.task.exception()


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Job]:
    flights = SingleFlight()

    def make_job(name: str, key: str = "key") -> Job:
        return Job(flights, tmp_path / name, key)

    return make_job


async def test_followers_copy_what_the_leader_has_published(make: Callable[..., Job]) -> None:
    jobs = [make(name) for name in "abc"]
    await until(lambda: jobs[0].got == "rendered")
    await all_turns()
    assert [job.got for job in jobs] == ["rendered", "", ""]
    jobs[0].finish()
    assert [await job.end() for job in jobs] == [None] * 3
    assert [job.got for job in jobs] == ["rendered", "copied", "copied"]
    assert all((job.target / "rgb_0.png").read_bytes() == b"x" for job in jobs)


async def test_other_renderings_do_not_wait(make: Callable[..., Job]) -> None:
    leader, other = make("a"), make("b", "other")
    await until(lambda: other.got == "rendered")
    for job in (leader, other):
        job.finish()
        assert await job.end() is None


async def test_who_comes_when_the_leader_has_ended_renders_itself(make: Callable[..., Job]) -> None:
    leader = make("a")
    leader.finish()
    assert await leader.end() is None
    later = make("b")
    later.finish()
    assert await later.end() is None and later.got == "rendered"


@pytest.mark.parametrize("code", ["view_blank", "renderer_lost", "render_failed"])
async def test_a_failure_of_the_request_is_that_of_all_who_wait(make: Callable[..., Job], code: str) -> None:
    leader, *followers = [make(name) for name in "abc"]
    await until(lambda: leader.got == "rendered")
    await all_turns()
    leader.finish(ServiceError(code, "nothing", "recenter"))
    ends = [await job.end() for job in (leader, *followers)]
    assert all(isinstance(end, ServiceError) and (end.code, end.detail, end.field) == (code, "nothing", "recenter") for end in ends)
    assert [job.got for job in followers] == ["", ""] and not any(job.target.exists() for job in followers)
    later = make("d")  # It may well be different then.
    later.finish()
    assert await later.end() is None


@pytest.mark.parametrize("error", [ServiceError("storage_full", "full"), ValueError()])
async def test_of_another_failure_the_followers_know_nothing(make: Callable[..., Job], error: Exception) -> None:
    jobs = [make(name) for name in "abc"]
    await until(lambda: jobs[0].got == "rendered")
    await all_turns()
    jobs[0].finish(error)
    jobs[1].finish()
    assert [await job.end() for job in jobs] == [error, None, None]
    assert [job.got for job in jobs] == ["rendered", "rendered", "copied"]


async def test_when_the_leader_is_canceled_the_next_one_leads(make: Callable[..., Job]) -> None:
    jobs = [make(name) for name in "abc"]
    await until(lambda: jobs[0].got == "rendered")
    await all_turns()
    jobs[0].task.cancel()
    await until(lambda: jobs[1].got == "rendered")
    assert jobs[2].got == ""
    jobs[1].finish()
    assert [await job.end() for job in jobs[1:]] == [None, None]
    assert jobs[0].task.cancelled() and jobs[2].got == "copied"


async def test_a_follower_that_was_canceled_holds_nobody_up(make: Callable[..., Job]) -> None:
    leader, gone, stays = (make(name) for name in "abc")
    await until(lambda: leader.got == "rendered")
    await all_turns()
    gone.task.cancel()
    leader.finish()
    assert await leader.end() is None and await stays.end() is None
    assert stays.got == "copied" and gone.task.cancelled()


@pytest.mark.parametrize("damage", ["changed", "gone", "link"])
async def test_a_published_folder_that_was_changed_is_not_copied(
    make: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    leader, follower = make("a"), make("b")
    real = StagingFolder.publish

    def publish(self: StagingFolder, files: dict[str, int]) -> list[str]:
        warnings = real(self, files)
        path = leader.target / "rgb_0.png"
        if path.read_bytes() == b"x":
            path.unlink()
            if damage == "changed":
                path.write_bytes(b"y")
            if damage == "link":
                (leader.target / "other").write_bytes(b"x")
                path.symlink_to("other")
        return warnings

    monkeypatch.setattr(StagingFolder, "publish", publish)
    await all_turns()
    leader.finish()
    assert await leader.end() is None
    monkeypatch.undo()
    follower.finish()
    assert await follower.end() is None and follower.got == "rendered"
    assert os.listdir(follower.target) == ["rgb_0.png"] and (follower.target / "rgb_0.png").read_bytes() == b"x"


@pytest.fixture
def slow_copies(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Copies say by the first event that they have begun, and go on with the second."""
    begun, go_on = threading.Event(), threading.Event()
    real = StagingFolder.copy_from

    def copy_from(self: StagingFolder, source: Directory, files: Mapping[str, FileContent], places: Places | None = None) -> None:
        begun.set()
        go_on.wait(10)
        real(self, source, files, places)

    monkeypatch.setattr(StagingFolder, "copy_from", copy_from)
    return begun, go_on


async def test_a_follower_that_is_canceled_while_it_copies_leaves_nothing(
    make: Callable[..., Job], slow_copies: tuple[threading.Event, threading.Event], tmp_path: Path
) -> None:
    begun, go_on = slow_copies
    leader, follower = make("a"), make("b")
    await all_turns()
    leader.finish()
    assert await leader.end() is None  # It waits for nobody's copy.
    assert await asyncio.to_thread(begun.wait, 10)
    for _ in range(3):
        follower.task.cancel()
        await all_turns()
    assert not follower.task.done()
    go_on.set()
    await asyncio.wait({follower.task}, timeout=10)
    assert follower.task.cancelled() and os.listdir(tmp_path) == ["a"]


async def test_a_rendering_is_held_until_it_is_published_and_no_longer(make: Callable[..., Job], tmp_path: Path) -> None:
    flights = SingleFlight()
    assert flights.holder("key") is None
    leader, follower = Job(flights, tmp_path / "a"), Job(flights, tmp_path / "b")
    await until(lambda: leader.got == "rendered")
    assert flights.holder("key") == "a" and flights.holder("other") is None
    leader.finish()
    assert await leader.end() is None and await follower.end() is None
    assert flights.holder("key") is None
