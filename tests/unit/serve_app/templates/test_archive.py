"""A zip file that is never made."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from serve_app.templates.archive import CHUNK_BYTES, ArchivedFile, ChangedArchiveError, StoredArchive

MOMENT = 1_790_000_000.0
CONTENT = {"templates/rgb_0.png": b"one" * 50, "templates/xyz_0.npy": bytes(range(256)) * 9, "templates/empty": b"", "é/model.ply": b"ply"}


def opener(data: bytes, opened: list[str], name: str) -> Callable[[], BinaryIO]:
    def open_it() -> BinaryIO:
        opened.append(name)
        return io.BytesIO(data)

    return open_it


def archive_of(content: dict[str, bytes], sums: dict[int, int] | None = None) -> tuple[StoredArchive, list[str]]:
    opened: list[str] = []
    files = [ArchivedFile(name, len(data), opener(data, opened, name)) for name, data in content.items()]
    return StoredArchive(files, MOMENT, sums), opened


def whole(archive: StoredArchive) -> bytes:
    return b"".join(archive.chunks(0, archive.length))


def test_it_is_a_zip_file_of_the_length_that_was_told() -> None:
    archive, opened = archive_of(CONTENT)
    assert opened == []  # The length needs no file.
    data = whole(archive)
    assert len(data) == archive.length
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        assert {name: found.read(name) for name in found.namelist()} == CONTENT
        info = found.infolist()[0]
    assert info.date_time == (2026, 9, 21, 14, 13, 20) and info.compress_type == zipfile.ZIP_STORED and info.external_attr >> 16 == 0o100644


def test_any_range_of_it_is_the_same_bytes() -> None:
    data = whole(archive_of(CONTENT)[0])
    for start in range(0, len(data), 7):
        for stop in {start + 1, start + 40, start + 400, len(data)}:
            assert b"".join(archive_of(CONTENT)[0].chunks(start, min(stop, len(data)))) == data[start:stop]


def test_what_lies_before_a_range_is_not_read_but_for_its_sum_and_that_only_once() -> None:
    sums: dict[int, int] = {}
    archive, opened = archive_of(CONTENT, sums)
    at = archive.length - 30
    list(archive.chunks(10, 40))
    assert set(opened) == {"templates/rgb_0.png"}
    list(archive.chunks(at, archive.length))
    assert set(opened) == set(CONTENT) and len(sums) == len(CONTENT)
    later, opened = archive_of(CONTENT, sums)
    list(later.chunks(at, later.length))
    assert opened == []


def test_a_large_file_comes_in_pieces() -> None:
    archive, _ = archive_of({"a": bytes(3 * CHUNK_BYTES + 5)})
    assert max(map(len, archive.chunks(0, archive.length))) <= CHUNK_BYTES


def test_more_files_than_a_plain_zip_file_has() -> None:
    archive, _ = archive_of({f"{number}": b"x" for number in range(70_000)})
    with zipfile.ZipFile(io.BytesIO(whole(archive))) as found:
        assert len(found.namelist()) == 70_000 and found.read("69999") == b"x"


def test_more_bytes_than_a_plain_zip_file_has(tmp_path: Path) -> None:
    """Holes, which cost neither disk nor, read by range, time."""
    size = 3 * 1024**3
    hole = tmp_path / "hole"
    with hole.open("wb") as file:
        file.truncate(size)
    sums = {0: 0x12345678, 1: 0x12345678, 2: 0}  # Nobody reads them.
    files = [ArchivedFile(name, size, lambda: hole.open("rb")) for name in "ab"]
    archive = StoredArchive([*files, ArchivedFile("c", 0, io.BytesIO)], MOMENT, sums)
    tail_at = 2 * (size + 31)
    made = tmp_path / "made.zip"
    with made.open("wb") as file:
        for start, stop in ((0, 31), (size + 31, size + 62), (tail_at, archive.length)):
            file.seek(start)
            file.write(b"".join(archive.chunks(start, stop)))
    with zipfile.ZipFile(made) as found:
        assert [(info.filename, info.file_size, info.header_offset) for info in found.infolist()] == [
            ("a", size, 0),
            ("b", size, size + 31),
            ("c", 0, tail_at),
        ]
        assert found.read("c") == b""


@pytest.mark.parametrize("now", [b"short", b"longer than it was"])
def test_a_file_that_has_another_size_by_now_ends_it(now: bytes) -> None:
    archive = StoredArchive([ArchivedFile("a", 10, lambda: io.BytesIO(now))], MOMENT)
    with pytest.raises(ChangedArchiveError):
        whole(archive)


def test_a_file_that_has_gone_ends_it(tmp_path: Path) -> None:
    archive = StoredArchive([ArchivedFile("a", 10, lambda: (tmp_path / "gone").open("rb"))], MOMENT)
    with pytest.raises(ChangedArchiveError):
        whole(archive)


def test_a_file_that_holds_something_else_ends_it_before_a_byte_of_it_is_given() -> None:
    good = ArchivedFile("a", 3, lambda: io.BytesIO(b"abc"), hashlib.sha256(b"abc").hexdigest())
    assert whole(StoredArchive([good], MOMENT))
    chunks = StoredArchive([dataclasses.replace(good, open=lambda: io.BytesIO(b"abd"))], MOMENT).chunks(0, 40)
    with pytest.raises(ChangedArchiveError):
        next(chunks)


def test_a_file_that_no_header_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        StoredArchive([ArchivedFile("a", 1 << 32, io.BytesIO)], MOMENT)
