"""``multipart/form-data`` is taken apart piece by piece, whatever the pieces are."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from serve_app.base.errors import ServiceError
from serve_app.http.multipart import MAX_HEADER_BYTES, PartBegins, PartData, is_multipart, parts_of

KIND = "multipart/form-data; boundary=xyz"


async def in_pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def parts(body: bytes, kind: str = KIND, size: int = 10_000) -> list[tuple[str, str | None, bytes]]:
    """Name, file name and content of each part."""
    found: list[tuple[str, str | None, bytes]] = []
    async for event in parts_of(kind, in_pieces(body, size)):
        if isinstance(event, PartBegins):
            found.append((event.field, event.file_name, b""))
        elif isinstance(event, PartData):
            found[-1] = (*found[-1][:2], found[-1][2] + event.data)
    return found


def part(headers: str, content: bytes = b"x", end: bytes = b"\r\n--xyz--\r\n") -> bytes:
    return b"--xyz\r\n" + headers.encode() + b"\r\n\r\n" + content + end


async def refusal(body: bytes, kind: str = KIND) -> str:
    with pytest.raises(ServiceError) as caught:
        await parts(body, kind)
    assert caught.value.code == "validation_error"
    return caught.value.detail


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
async def test_a_body_is_the_same_in_pieces_of_any_size(size: int) -> None:
    content = bytes(range(256)) * 3 + b"\r\n--xy"
    sent = httpx.Request(
        "POST", "http://a", data={"unit": "mm", "options": "{}"}, files=[("file", ('a \u00fc".stl', content)), ("file", ("b/c.mtl", b""))]
    )
    found = await parts(sent.read(), sent.headers["Content-Type"], size)
    assert found == [("unit", None, b"mm"), ("options", None, b"{}"), ("file", 'a \u00fc".stl', content), ("file", "b/c.mtl", b"")]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ('filename="a;b.stl"', "a;b.stl"),
        ('filename="a\\"b.stl"', 'a"b.stl'),
        ("filename=a.stl", "a.stl"),
        ("filename*=UTF-8''%EB%B6%80.stl", "\ubd80.stl"),
        ("filename=x; filename*=utf-8'en'%C3%BC.stl", "\u00fc.stl"),
        ('filename="C:\\\\parts\\\\a.stl"', "C:\\parts\\a.stl"),
    ],
)
async def test_file_names_are_read_as_clients_write_them(value: str, name: str) -> None:
    assert (await parts(part(f'Content-Disposition: form-data; name="file"; {value}')))[0][:2] == ("file", name)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        part('Content-Disposition: form-data; name="file"; filename="a"', end=b""),
        part('Content-Disposition: form-data; name="file"; filename="a"', end=b"\r\n--xyz"),
        part("Content-Type: text/plain"),
        part('Content-Disposition: attachment; name="file"'),
        part("Content-Disposition: form-data"),
        part('Content-Disposition: form-data; name="a"; name="b"'),
        part('Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64'),
        part(f'Content-Disposition: form-data; name="{"a" * MAX_HEADER_BYTES}"'),
        b'--xyz\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--xyz--\r\n',
        part("Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''%ff.stl"),
        part("Content-Disposition: form-data; name=\"file\"; filename*=latin1''a.stl"),
    ],
)
async def test_what_is_broken_is_refused(body: bytes) -> None:
    assert "multipart body cannot be read" in await refusal(body)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=", f"multipart/form-data; boundary={'x' * 300}"])
async def test_a_boundary_is_needed(kind: str) -> None:
    assert "boundary" in await refusal(b"", kind)


def test_multipart_is_told_by_its_kind() -> None:
    assert is_multipart("Multipart/Form-Data; boundary=a") and not is_multipart("multipart/mixed; boundary=a") and not is_multipart(None)
