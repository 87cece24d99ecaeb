"""A file is hashed again only when it may have changed since."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from serve_app.base import file_digests
from serve_app.base.file_digests import FileDigests, NotRememberedError
from serve_app.base.regular_file import sha256_of_open_file

LIMIT = 100


class Reader:
    """Counts the files that are read; after each it does what it was told."""

    def __init__(self, afterwards: Callable[[], object] = lambda: None) -> None:
        self.reads, self._afterwards = 0, afterwards

    def __call__(self, file: BinaryIO, limit: int) -> str:
        self.reads += 1
        digest = sha256_of_open_file(file, limit)
        self._afterwards()
        return digest


def in_an_hour() -> int:
    """A time at which every file of the test has been left alone for long."""
    return time.time_ns() + 3600 * 10**9


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(b"first")
    return tmp_path / "file"


def test_a_file_that_is_left_alone_is_read_once(path: Path) -> None:
    reader = Reader()
    digests = FileDigests(reader, in_an_hour)
    with pytest.raises(NotRememberedError):
        digests.remembered(path, LIMIT)
    assert {digests.sha256(path, LIMIT) for _ in range(5)} == {digests.remembered(path, LIMIT)} == {sha256(b"first")}
    assert reader.reads == 1


def test_a_file_that_was_just_written_is_read_each_time(path: Path) -> None:
    reader = Reader()
    digests = FileDigests(reader)
    assert [digests.sha256(path, LIMIT) for _ in range(3)] == [sha256(b"first")] * 3
    assert reader.reads == 3


@pytest.mark.parametrize("age", [-3600 * 10**9, 0])
def test_neither_times_to_come_nor_a_clock_that_was_set_back_are_trusted(path: Path, age: int) -> None:
    reader = Reader()
    digests = FileDigests(reader, lambda: path.stat().st_ctime_ns + age)
    assert digests.sha256(path, LIMIT) == digests.sha256(path, LIMIT)
    assert reader.reads == 2


def write_in_place(path: Path) -> None:
    path.write_bytes(b"other")


def write_in_place_with_the_old_time(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def put_another_in_its_place(path: Path) -> None:
    before = path.stat()
    other = path.with_name("new")
    other.write_bytes(b"other")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(path)


CHANGES = [write_in_place, write_in_place_with_the_old_time, put_another_in_its_place]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(path: Path, change: Callable[[Path], None]) -> None:
    digests = FileDigests(Reader(), in_an_hour)
    assert digests.sha256(path, LIMIT) == sha256(b"first")
    _wait_for_a_later_time_stamp(path)
    change(path)
    assert digests.sha256(path, LIMIT) == sha256(b"other")


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_read_is_read_again(path: Path, change: Callable[[Path], None]) -> None:
    def afterwards() -> None:
        _wait_for_a_later_time_stamp(path)
        change(path)

    reader = Reader(afterwards)
    digests = FileDigests(reader, in_an_hour)
    assert digests.sha256(path, LIMIT) == sha256(b"first")
    assert digests.sha256(path, LIMIT) == sha256(b"other")
    assert reader.reads == 2


def _wait_for_a_later_time_stamp(path: Path) -> None:
    """Return when a file that is written now gets a later time than this one has."""
    probe, before = path.with_name("probe"), path.stat().st_ctime_ns
    while True:
        probe.write_bytes(b"")
        if probe.stat().st_ctime_ns > before:
            return


def test_a_limit_holds_also_for_what_is_remembered(path: Path) -> None:
    digests = FileDigests(Reader(), in_an_hour)
    digests.sha256(path, LIMIT)
    with pytest.raises(ValueError, match="more than 4"):
        digests.sha256(path, 4)
    with pytest.raises(OSError, match="No such file"):
        digests.sha256(path.with_name("gone"), LIMIT)


def test_those_used_longest_ago_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_digests, "MAX_REMEMBERED", 3)
    reader = Reader()
    digests = FileDigests(reader, in_an_hour)
    for name in "abcd":
        (tmp_path / name).write_text(name)
        digests.sha256(tmp_path / name, LIMIT)
        digests.remembered(tmp_path / "a", LIMIT)
    with pytest.raises(NotRememberedError):
        digests.remembered(tmp_path / "b", LIMIT)
    assert reader.reads == 4
