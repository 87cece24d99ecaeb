"""Files of several views that travel together."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ray.exceptions import OwnerDiedError

from serve_app.rendering.parcel import Parcel, PayloadLostError
from tests.unit.serve_app.rendering.fakes import all_turns


class Payload:
    """A reference whose object comes when the test says so."""

    def __init__(self) -> None:
        self.awaited = 0
        self.there: asyncio.Future[Any] = asyncio.Future()

    def __await__(self) -> Any:
        self.awaited += 1
        return self.there.__await__()


async def test_all_files_are_fetched_at_once_and_when_they_are_asked_for() -> None:
    payload = Payload()
    parcel = Parcel(payload)
    await all_turns()
    assert payload.awaited == 0
    asked = [asyncio.ensure_future(parcel.files(place)) for place in (1, 0)]
    await all_turns()
    payload.there.set_result(("of 0", "of 1"))
    assert await asyncio.gather(*asked) == ["of 1", "of 0"] and await parcel.files(0) == "of 0"  # type: ignore[comparison-overlap]
    assert payload.awaited == 1


async def test_who_asks_no_more_takes_nothing_from_others() -> None:
    payload = Payload()
    parcel = Parcel(payload)
    gone, stays = (asyncio.ensure_future(parcel.files(place)) for place in (0, 1))
    await all_turns()
    gone.cancel()
    await all_turns()
    payload.there.set_result(("of 0", "of 1"))
    assert await stays == "of 1" and gone.cancelled()  # type: ignore[comparison-overlap]


async def test_files_are_lost_with_their_owner() -> None:
    payload = Payload()
    payload.there.set_exception(OwnerDiedError("ab" * 28, b"", ""))
    for parcel in (Parcel(payload), Parcel(None)):
        for place in (0, 1):
            with pytest.raises(PayloadLostError):
                await parcel.files(place)
