from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from serve_app.base.aio import spawn, to_thread_to_end


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
