from __future__ import annotations

import ctypes

import psutil
import pytest

from render_actor.process.free_memory import give_back_free_memory


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library is not glibc")
def test_memory_that_is_freed_between_pieces_in_use_goes_back_to_the_system() -> None:
    process, size, count = psutil.Process(), 100_000, 1000  # 100 MB, each piece too small for a mapping of its own.
    pieces: list[bytearray | None] = [bytearray(b"x" * size) for _ in range(count)]
    full = process.memory_info().rss
    for number in range(count):
        if number % 10:
            pieces[number] = None
    give_back_free_memory()
    assert process.memory_info().rss < full - 0.6 * size * count
    assert all(pieces[number] for number in range(0, count, 10))


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    give_back_free_memory()
