from __future__ import annotations

import asyncio

import pytest

from serve_app.service.limits import Limits
from serve_app.service.slots import JobSlots, Places


async def settled() -> None:
    """Let every task run until it waits for something."""
    for _ in range(200):
        await asyncio.sleep(0)


async def test_jobs_of_a_batch_leave_slots_for_others() -> None:
    slots = JobSlots(Limits.for_renderers(2))
    started: list[str] = []
    go_on = asyncio.Event()

    async def one(group: str, interactive: bool) -> None:
        async with slots.slot(group, interactive=interactive, large=False):
            started.append(group)
            await go_on.wait()

    tasks = [asyncio.create_task(one("batch", False)) for _ in range(10)]
    tasks += [asyncio.create_task(one(f"single{number}", True)) for number in range(10)]
    await settled()
    assert started.count("batch") == 2 and started.count("single0") == 1 and len(started) < 12
    go_on.set()
    await asyncio.gather(*tasks)
    assert len(started) == 20


@pytest.mark.parametrize("interactive", [True, False])
@pytest.mark.parametrize("renderers", [1, 2, 8, 64])
async def test_jobs_with_large_cads_leave_slots_for_others(renderers: int, interactive: bool) -> None:
    """However many wait to be read, one after another, a job with a small one runs at once."""
    slots = JobSlots(Limits.for_renderers(renderers))
    started: list[str] = []
    read, go_on = asyncio.Event(), asyncio.Event()

    async def one(group: str, large: bool) -> None:
        async with slots.slot(group, interactive=interactive, large=large) as slot:
            started.append(group)
            await read.wait()
            await slot.end_reading()
            await go_on.wait()

    tasks = [asyncio.create_task(one(f"large{number}", True)) for number in range(50)]
    await settled()
    tasks.append(asyncio.create_task(one("small", False)))
    await settled()
    count = 2 * (len(started) - 1)
    assert started[-1] == "small" and count >= 2
    read.set()
    await settled()
    assert len(started) == count  # Those that are read take any slot that is free.
    go_on.set()
    await asyncio.gather(*tasks)
    assert len(started) == 51


async def test_a_job_that_gives_up_waiting_leaves_no_slot_taken() -> None:
    slots = JobSlots(Limits.for_renderers(1))
    go_on = asyncio.Event()
    started: list[int] = []

    async def one(number: int) -> None:
        async with slots.slot(f"g{number}", interactive=True, large=True):
            started.append(number)
            await go_on.wait()

    tasks = [asyncio.create_task(one(number)) for number in range(20)]
    await settled()
    for task in tasks[5:15]:
        task.cancel()
    await settled()
    go_on.set()
    await asyncio.wait(tasks)
    assert sorted(started) == [*range(5), *range(15, 20)]


async def test_places_are_taken_in_turn_whoever_gives_up_meanwhile() -> None:
    """A place that is given to somebody who is canceled at the same moment goes on to the next."""
    places, order = Places(1), list[int]()
    held = asyncio.Event()

    async def one(number: int) -> None:
        async with places:
            order.append(number)
            await held.wait()

    tasks = [asyncio.create_task(one(number)) for number in range(10)]
    await settled()
    held.set()
    for number in (0, 1, 2, 5, 9):  # The first holds the place, the second gets it as it is canceled.
        tasks[number].cancel()
    await asyncio.wait(tasks)
    assert order == [0, 3, 4, 6, 7, 8]
    async with asyncio.timeout(5), places:
        order.append(10)
    assert order[-1] == 10


async def test_a_place_that_was_just_given_and_not_taken_is_passed_on() -> None:
    places = Places(1)
    await places.__aenter__()
    waiting = [asyncio.create_task(places.__aenter__()) for _ in range(2)]
    await settled()
    await places.__aexit__(None, None, None)  # It is the first one's now, who has not run since.
    waiting[0].cancel()
    await asyncio.wait(waiting, timeout=5)
    assert waiting[0].cancelled() and waiting[1].done() and not waiting[1].cancelled()
