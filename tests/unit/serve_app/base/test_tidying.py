from __future__ import annotations

import asyncio

import pytest

from serve_app.base import tidying
from serve_app.base.tidying import keep_tidy


async def test_a_sweep_that_fails_is_told_and_the_next_one_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str, str]] = []
    monkeypatch.setattr(tidying, "server_event", lambda level, event, cause: told.append((level, event, cause)))
    swept, enough = 0, asyncio.Event()

    async def sweep() -> None:
        nonlocal swept
        swept += 1
        if swept == 2:
            raise OSError("the disk is away")
        if swept == 4:
            enough.set()

    task = asyncio.create_task(keep_tidy(sweep, 0.0, "old things could not be removed"))
    await asyncio.wait_for(enough.wait(), 10)
    task.cancel()
    assert told == [("warning", "old things could not be removed", "OSError('the disk is away')")]
