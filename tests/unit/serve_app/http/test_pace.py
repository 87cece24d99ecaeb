from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from serve_app.base.errors import ServiceError
from serve_app.http.pace import PIECE_BYTES, in_large_pieces


async def chunks(sizes: list[int], fails: bool = False) -> AsyncIterator[bytes]:
    for index, size in enumerate(sizes):
        yield bytes([index]) * size
    if fails:
        raise ServiceError("body_too_slow", "it broke off")


async def test_small_pieces_become_large_ones() -> None:
    sizes = [PIECE_BYTES // 2 + 1] * 3 + [0, 5]
    found = [piece async for piece in in_large_pieces(chunks(sizes))]
    assert [len(piece) for piece in found] == [PIECE_BYTES + 2, PIECE_BYTES // 2 + 6]
    assert b"".join(found) == b"".join([piece async for piece in chunks(sizes)])
    assert [piece async for piece in in_large_pieces(chunks([]))] == []


async def test_what_came_before_it_broke_off_is_not_lost() -> None:
    found = []
    with pytest.raises(ServiceError, match="it broke off"):
        async for piece in in_large_pieces(chunks([3, 4], fails=True)):
            found.append(piece)
    assert b"".join(found) == b"\0\0\0\1\1\1\1"
