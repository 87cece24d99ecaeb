from __future__ import annotations

import asyncio

import pytest

from serve_app.jobs.event_log import EventLog


def filled(count: int, kept: int = 10) -> EventLog:
    log = EventLog(kept)
    for number in range(1, count + 1):
        log.append("removed", {"job_id": f"{number}"})
    return log


def numbers(log: EventLog, after: int) -> list[int | None] | None:
    events = log.since(after)
    return None if events is None else [event.number for event in events]


def test_what_came_after_an_event_is_found_as_long_as_it_is_kept() -> None:
    log = filled(14)
    assert log.last == 14 and numbers(log, 14) == [] and numbers(log, 11) == [12, 13, 14]
    assert numbers(log, 4) == [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
    assert numbers(log, 3) is None and numbers(log, 15) is None
    assert numbers(EventLog(), 0) == []


def test_an_id_of_another_server_of_the_future_or_of_no_form_is_none() -> None:
    log, other = filled(5), filled(5)
    assert log.epoch != other.epoch
    assert log.number_of(log.id_of(3)) == 3 and log.number_of(log.id_of(0)) == 0
    for wrong in (other.id_of(3), log.id_of(6), "", "3", log.epoch, f"{log.epoch}-", f"{log.epoch}--1", f"{log.epoch}-{'9' * 40}"):
        assert log.number_of(wrong) is None, wrong


async def test_whoever_waits_is_woken_by_an_event_and_by_the_end() -> None:
    log = filled(2)
    await log.wait_after(1)
    waiting = asyncio.create_task(log.wait_after(2))
    await asyncio.sleep(0)
    assert not waiting.done()
    log.append("removed", {"job_id": "a"})
    await asyncio.wait_for(waiting, 5)
    waiting = asyncio.create_task(log.wait_after(3))
    await asyncio.sleep(0)
    log.close()
    await asyncio.wait_for(waiting, 5)
    await asyncio.wait_for(log.wait_after(3), 5)


async def test_a_wait_that_was_cancelled_is_in_nobodys_way() -> None:
    log = filled(0)
    waiting = asyncio.create_task(log.wait_after(0))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    log.append("removed", {"job_id": "a"})
    await asyncio.wait_for(log.wait_after(0), 5)
