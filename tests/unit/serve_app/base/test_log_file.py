"""Log files: what is written when, and what becomes of a job whose log cannot be written."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serve_app.base import log_file
from serve_app.base.log_file import LogFile


def quiet(reason: str) -> None:
    raise AssertionError(reason)


async def contains(path: Path, text: str) -> None:
    """Wait until a file contains a text."""
    async with asyncio.timeout(10):
        while not path.exists() or text not in path.read_text():
            await asyncio.sleep(0.005)


@pytest.fixture
def stalled(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk that writes nothing until the event is set."""
    go_on, write = threading.Event(), os.write

    def slow(descriptor: int, data: Any) -> int:
        go_on.wait(30)
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", slow)
    yield go_on
    go_on.set()


async def test_lines_are_in_the_file_soon_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.log"
    file = LogFile(path, quiet)
    file.append("first")
    await contains(path, "first\n")
    for number in range(1000):
        file.append(f"line {number}")
    await file.close()
    assert path.read_text().splitlines() == ["first", *(f"line {number}" for number in range(1000))]
    file.append("after the end")
    await contains(path, "after the end\n")


async def test_many_files_side_by_side_with_few_descriptors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "MAX_OPEN_FILES", 3)
    files = [LogFile(tmp_path / f"{number}.log", quiet) for number in range(20)]
    opened = open_files(tmp_path)
    for line in range(5):
        for file in files:
            file.append(str(line))
        await contains(tmp_path / "19.log", str(line))
        assert len(open_files(tmp_path)) <= 3
    await asyncio.gather(*(file.close() for file in files))
    assert all(path.read_text() == "0\n1\n2\n3\n4\n" for path in tmp_path.iterdir())
    assert opened == open_files(tmp_path) == []


def open_files(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # The one that lists them is gone by now.
            found.append(str(entry.readlink()))
    return [target for target in found if target.startswith(str(folder))]


async def test_a_live_files_descriptor_stays_open_and_a_closed_ones_does_not(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    file = LogFile(path, quiet)
    file.append("one")
    await contains(path, "one")
    assert open_files(tmp_path) == [str(path)]
    await file.close()
    assert open_files(tmp_path) == []


@pytest.mark.parametrize("rotate", [lambda path: path.unlink(), lambda path: path.rename(path.with_suffix(".1"))])
async def test_a_file_that_is_removed_or_rotated_is_begun_anew(tmp_path: Path, rotate: Any) -> None:
    path = tmp_path / "a.log"
    file = LogFile(path, quiet)
    file.append("before")
    await contains(path, "before")
    rotate(path)
    file.append("after")
    await file.close()
    assert path.read_text() == "after\n"


def _folder(path: Path) -> None:
    path.mkdir()


def _parent_is_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.touch()


def _full_disk(path: Path) -> None:
    path.symlink_to("/dev/full")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _read_only(path: Path) -> None:
    path.symlink_to("/proc/version")


@pytest.mark.parametrize("spoil", [_folder, _parent_is_a_file, _full_disk, _pipe, _read_only])
async def test_a_file_that_cannot_be_written_is_said_once_and_costs_nothing_else(tmp_path: Path, spoil: Any) -> None:
    said: list[str] = []
    bad = tmp_path / "logs" / "bad.log"
    bad.parent.mkdir()
    spoil(bad)
    file, other = LogFile(bad, said.append), LogFile(tmp_path / "other.log", quiet)
    for _ in range(3):
        file.append("a line")
        other.append("a line")
        await file.close()
        await other.close()
    assert len(said) == 1 and said[0]
    assert (tmp_path / "other.log").read_text() == "a line\n" * 3


async def test_a_disk_that_is_full_for_a_while_leaves_no_line_joined_to_half_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = os.write, 0

    def full_in_the_middle(descriptor: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:4] if calls == 1 else data)

    monkeypatch.setattr(os, "write", full_in_the_middle)
    said: list[str] = []
    file = LogFile(tmp_path / "a.log", said.append)
    file.append("torn in two")
    await file.close()
    file.append("whole")
    await file.close()
    assert (tmp_path / "a.log").read_text() == "torn\nwhole\n" and said == ["No space left on device"]


async def test_nobody_waits_for_a_disk_that_stalls(tmp_path: Path, stalled: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "CLOSE_SEC", 0.05)
    said: list[str] = []
    file = LogFile(tmp_path / "a.log", said.append)
    for number in range(4 * log_file.MAX_PENDING_CHARACTERS // 1000):
        file.append(f"{number:0999}")
    await file.close()
    while not (tmp_path / "a.log").exists():
        await asyncio.sleep(0.005)
    assert said == ["the disk does not keep up"] and not (tmp_path / "a.log").read_text()
    stalled.set()
    monkeypatch.setattr(log_file, "CLOSE_SEC", 30)
    await file.close()
    written = [int(line) for line in (tmp_path / "a.log").read_text().splitlines()]
    assert written[0] == 0 and written == sorted(set(written))
    assert log_file.MAX_PENDING_CHARACTERS <= 1000 * len(written) <= 2 * log_file.MAX_PENDING_CHARACTERS + 2000


async def test_text_that_is_no_unicode_is_written_escaped(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "a.log", quiet)
    file.append("half a pair: \ud800")
    await file.close()
    assert (tmp_path / "a.log").read_text() == "half a pair: \\ud800\n"
