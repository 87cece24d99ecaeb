from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from serve_app.base.errors import ServiceError
from serve_app.http import event_streams
from serve_app.http.event_streams import HEARTBEAT, EventStreams
from serve_app.jobs.event_log import Event, EventLog


class Heard:
    """One listener, and what came."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream
        self.text = b""
        self.chunks = 0

    async def more(self) -> bytes:
        """The next chunk; empty when the stream has ended."""
        chunk = await asyncio.wait_for(anext(self._stream, b""), 10)
        self.text += chunk
        self.chunks += 1
        return chunk

    async def all(self) -> list[tuple[str, Any, str | None]]:
        """Everything until the end: name, data and id of each event."""
        while await self.more():
            pass
        return self.events

    async def until(self, count: int) -> list[tuple[str, Any, str | None]]:
        """So many events, or more."""
        while len(self.events) < count:
            assert await self.more()
        return self.events

    @property
    def events(self) -> list[tuple[str, Any, str | None]]:
        found = []
        for block in self.text.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if "data" in fields:
                found.append((fields["event"], json.loads(fields["data"]), fields.get("id")))
        return found

    async def close(self) -> None:
        await self._stream.aclose()  # type: ignore[attr-defined]


class World:
    """A log and its streams."""

    def __init__(self) -> None:
        self.log = EventLog(100)
        self.streams = EventStreams(self.log, 3)

    def say(self, name: Any, job_id: str = "a", **data: Any) -> None:
        self.log.append(name, {"job_id": job_id, **data})

    def listen(
        self, job_id: str | None = None, present: list[Event] | None = None, after: int | None = None, seconds: float | None = None
    ) -> Heard:
        return Heard(self.streams.stream(present, self.log.last if after is None else after, seconds, job_id))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    world.log.close()
    await asyncio.sleep(0.05)


def names(heard: Heard) -> list[str]:
    return [name for name, _, _ in heard.events]


async def test_each_event_comes_to_all_and_to_those_of_its_job(world: World) -> None:
    everything, first, second = world.listen(), world.listen("a"), world.listen("b")
    for heard in (everything, first, second):
        assert await heard.more() == b"retry: 2000\n\n"
    world.say("queued", "a", position=1)
    world.say("queued", "b", position=2)
    world.say("finished", "a", status="succeeded")
    ids = [world.log.id_of(number) for number in range(4)]
    expected = [("queued", {"job_id": "a", "position": 1}, ids[1]), ("finished", {"job_id": "a", "status": "succeeded"}, ids[3])]
    assert await first.all() == expected  # Its job has ended.
    assert await everything.until(3) == [expected[0], ("queued", {"job_id": "b", "position": 2}, ids[2]), expected[1]]
    assert everything.chunks == 2  # What came together went together.
    assert await second.until(1) == [("queued", {"job_id": "b", "position": 2}, world.log.id_of(2))]
    for heard in (everything, second):
        await heard.close()


async def test_what_a_listener_has_missed_comes_first_and_nothing_twice(world: World) -> None:
    present = [Event("reset", {"job_id": "a"}), Event("queued", {"job_id": "a", "position": 1})]
    world.say("started", "a")
    world.say("started", "b")
    stood = world.listen("a", present, after=1)
    world.say("view", "a", view=0)  # After the listener asked, and before its stream is begun.
    missed = world.listen(None, after=0)
    await stood.more(), await missed.more()
    assert stood.events == [
        ("reset", {"job_id": "a"}, None),
        ("queued", {"job_id": "a", "position": 1}, world.log.id_of(1)),
        ("view", {"job_id": "a", "view": 0}, world.log.id_of(3)),
    ]
    world.say("finished", "a", status="failed")
    assert [told[0] for told in await stood.all()] == ["reset", "queued", "view", "finished"]
    assert [told[0] for told in await missed.until(4)] == ["started", "started", "view", "finished"]
    await missed.close()


async def test_the_stream_of_a_job_that_has_ended_ends(world: World) -> None:
    told = await world.listen("a", [Event("finished", {"job_id": "a", "status": "succeeded"})]).all()
    assert told == [("finished", {"job_id": "a", "status": "succeeded"}, world.log.id_of(0))]
    world.say("finished", "a", status="succeeded")
    assert [name for name, _, _ in await world.listen("a", after=0).all()] == ["finished"]


async def test_streams_end_when_the_server_stops_and_none_is_begun(world: World) -> None:
    everything, of_job = world.listen(), world.listen("a")
    await everything.more(), await of_job.more()
    world.say("queued", "a", position=1)
    world.log.close()
    assert [name for name, _, _ in await everything.all()] == ["queued"]
    await of_job.all()
    with pytest.raises(ServiceError) as refused:
        world.streams.check_open()
    assert refused.value.code == "draining" and refused.value.retry_after_sec
    assert await world.listen().all() == []


async def test_one_more_than_may_listen_is_refused_until_another_goes(world: World) -> None:
    heard = [world.listen() for _ in range(3)]
    for each in heard:
        world.streams.check_open()
        await each.more()
    with pytest.raises(ServiceError, match="RENDER_MAX_EVENT_STREAMS is 3") as refused:
        world.streams.check_open()
    assert refused.value.code == "too_many_waiting"
    await heard[0].close()
    world.streams.check_open()
    for each in heard[1:]:
        await each.close()


async def test_while_nothing_happens_there_are_heartbeats(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_streams, "HEARTBEAT_SEC", 0.01)
    heard = world.listen()
    await heard.more()
    assert await heard.more() == HEARTBEAT and await heard.more() == HEARTBEAT
    await heard.close()


async def test_a_stream_ends_after_the_time_that_was_asked_for(world: World) -> None:
    assert await world.listen(seconds=0.05).all() == []


async def test_more_than_is_kept_ends_the_streams_whose_clients_are_told_anew(world: World) -> None:
    heard = world.listen()
    await heard.more()
    for _ in range(world.log.last + 101):
        world.say("queued")
    assert await heard.all() == []
    assert await world.listen(after=0).all() == []


async def test_nothing_runs_while_nobody_listens(world: World) -> None:
    before = len(asyncio.all_tasks())
    heard = world.listen("a")
    await heard.more()
    assert len(asyncio.all_tasks()) == before + 1
    await heard.close()
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before
    world.say("queued")
    heard = world.listen("a")
    await heard.more()
    world.say("finished", status="failed")
    assert [name for name, _, _ in await heard.all()] == ["finished"]


async def test_another_place_in_the_queue_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_streams, "_POSITION_SEC", 0.01)
    places = iter([3, 3, 2, None])

    def position() -> Event | None:
        place = next(places, None)
        return None if place is None else Event("queued", {"job_id": "a", "position": place})

    heard = Heard(world.streams.stream(None, 0, 60, "a", position))
    assert await heard.until(1) == [("queued", {"job_id": "a", "position": 2}, None)]
    world.say("finished", status="failed")
    assert [name for name, _, _ in await heard.all()] == ["queued", "finished"]
