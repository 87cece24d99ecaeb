from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from serve_app.base.errors import ServiceError
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.store import JobStore


async def test_a_quarantined_cad_is_refused_until_its_time_is_over(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    quarantine = Quarantine(store, 100)
    quarantine.check("abc")
    await quarantine.add("abc", "it killed two")
    with pytest.raises(ServiceError) as caught:
        quarantine.check("abc")
    assert caught.value.code == "cad_quarantined" and "it killed two" in caught.value.detail and (caught.value.retry_after_sec or 0) > 90
    quarantine.check("other")
    later = Quarantine(store, 1.0)  # The setting was lowered meanwhile.
    await later.load()
    with pytest.raises(ServiceError):
        later.check("abc")
    async with asyncio.timeout(60):
        while not later.empty:
            await asyncio.sleep(0.01)
    later.check("abc")
    store.close()
