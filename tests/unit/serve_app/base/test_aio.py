from __future__ import annotations

import asyncio
import threading

import pytest

from serve_app.base.aio import to_thread_to_end


async def test_a_cancellation_comes_through_only_when_the_work_has_ended_however_often_it_is_repeated() -> None:
    go_on, ended = threading.Event(), threading.Event()

    def work() -> None:
        go_on.wait(10)
        ended.set()

    task = asyncio.create_task(to_thread_to_end(work))
    for _ in range(3):
        await asyncio.sleep(0.01)
        task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_an_error_of_the_work_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        await to_thread_to_end(divmod, 1, 0)
