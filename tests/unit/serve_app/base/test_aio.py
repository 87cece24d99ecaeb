from __future__ import annotations

import asyncio
import contextvars
import threading
import time

import pytest

from serve_app.base.aio import for_each, spawn, to_thread_to_end


async def test_a_cancellation_comes_through_only_when_the_work_has_ended_however_often_it_is_repeated() -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait(10)
        ended.set()

    task = asyncio.create_task(to_thread_to_end(work))
    assert await asyncio.to_thread(begun.wait, 10)
    for _ in range(3):
        task.cancel()
        done, _pending = await asyncio.wait({task}, timeout=0.01)
        assert not done
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_an_error_of_the_work_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        await to_thread_to_end(divmod, 1, 0)


async def test_a_spawned_task_knows_nothing_of_the_request_that_began_it() -> None:
    of_request: contextvars.ContextVar[str] = contextvars.ContextVar("of_request", default="none")
    of_request.set("a request")

    async def seen() -> str:
        return of_request.get()

    assert await spawn(seen()) == "none" and await asyncio.create_task(seen()) == "a request"


@pytest.mark.parametrize("count", [0, 1, 5])
def test_work_is_done_for_each_item(count: int) -> None:
    done: list[int] = []
    for_each(done.append, range(count), 2)
    assert sorted(done) == list(range(count))


@pytest.mark.parametrize("count", [1, 5])
def test_an_error_comes_when_whatever_has_begun_has_ended(count: int) -> None:
    begun, ended = set[int](), set[int]()

    def work(item: int) -> None:
        begun.add(item)
        time.sleep(0.01 * item)
        if item == 0:
            raise ValueError(item)
        ended.add(item)

    with pytest.raises(ValueError, match="0"):
        for_each(work, range(count), 2)
    assert begun - ended == {0}
