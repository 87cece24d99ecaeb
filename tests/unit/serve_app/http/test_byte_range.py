"""Which bytes of a file are asked for."""

from __future__ import annotations

import pytest

from serve_app.base.errors import RangeError
from serve_app.http.byte_range import byte_range


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-5", (2, 6)),
        ("bytes=2-", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("bytes=9-999999999999999999", (9, 10)),
        ("bytes = 1 - 2", (1, 3)),
        ("Bytes=1-2", (1, 3)),
        ("", None),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=0-1,4-5", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
        ("bytes=\N{ARABIC-INDIC DIGIT ONE}-2", None),
    ],
)
def test_parts(asked: str, part: tuple[int, int] | None) -> None:
    assert byte_range(asked, 10, None, b'"a"') == part


@pytest.mark.parametrize(("asked", "length"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=99-100", 10)])
def test_a_range_without_a_byte_is_refused(asked: str, length: int) -> None:
    with pytest.raises(RangeError) as caught:
        byte_range(asked, length, None, b'"a"')
    assert caught.value.length == length


def test_of_another_file_all_is_given() -> None:
    assert byte_range("bytes=2-5", 10, b'"a"', b'"a"') == (2, 6)
    assert byte_range("bytes=2-5", 10, b'"b"', b'"a"') is None
    assert byte_range("bytes=2-5", 10, b'W/"a"', b'"a"') is None
