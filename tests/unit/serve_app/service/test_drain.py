"""The file that asks a server to stop in good order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from serve_app.base.aio import spawn
from serve_app.base.settings import Settings
from serve_app.service.drain import drain_on_demand, request_drain


@pytest.mark.parametrize(("left", "told"), [(5, 5), (0, 0), (None, 0)])
async def test_a_server_that_is_asked_says_how_many_jobs_are_left(settings: Settings, left: int | None, told: int) -> None:
    asked = asyncio.Event()

    async def drain() -> int | None:
        asked.set()
        return left

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    (settings.data_dir / "drain").write_text("drained 9\n")  # Of the server before.
    draining = spawn(drain_on_demand(settings, drain))
    await asyncio.sleep(0)
    assert not asked.is_set() and not (settings.data_dir / "drain").exists()
    assert await asyncio.to_thread(request_drain, settings.data_dir, 20) == told
    await draining


def test_where_no_server_is_nobody_answers(tmp_path: Path) -> None:
    assert request_drain(tmp_path, 0.2) is None
    assert request_drain(tmp_path / "none", 20) is None


@pytest.mark.parametrize("text", ["", "drained", "drained 1", "something else\n"])
def test_an_answer_that_is_not_whole_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "drain").write_text(text)
    assert request_drain(tmp_path, 0.2) is None
