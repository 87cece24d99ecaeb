from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from render_actor.contract.view_files import FileContent
from serve_app.base.directory import Directory
from serve_app.templates import cache as template_cache
from serve_app.templates import staged_files
from serve_app.templates.cache import TemplateCache
from serve_app.templates.copy import DamagedFileError, FileCopy, copy_files
from tests.unit.serve_app.templates.staged_views import empty, staged
from tests.unit.serve_app.templates_made import content_of, leftovers_of


async def test_what_was_put_in_comes_out_as_files_of_their_own(tmp_path: Path) -> None:
    cache = TemplateCache(tmp_path / "cache", 10**9)
    source, rendered = staged(tmp_path, "a")
    assert await cache.fetch("key", empty(tmp_path, "miss")) is None
    await cache.insert("key", source, rendered)
    for name in ("b", "c"):
        target = empty(tmp_path, name)
        assert await cache.fetch("key", target) == rendered
        assert sorted(target.directory.names()) == sorted(rendered.files()) and target.intact(rendered.files())
        for path in target.directory.path.iterdir():
            assert path.stat().st_nlink == 1
            path.write_bytes(b"a consumer edits its own")
    assert cache.bytes_used <= 10**9 and len(cache) == 1


async def test_entries_outlive_the_server_and_unfinished_ones_do_not(tmp_path: Path) -> None:
    source, rendered = staged(tmp_path, "a")
    await TemplateCache(tmp_path / "cache", 10**9).insert("key", source, rendered)
    half = tmp_path / "cache" / ".unfinished-1"
    half.mkdir()
    (half / "rgb_0.png").write_text("x")
    (tmp_path / "cache" / ("0" * 64)).mkdir()
    later = TemplateCache(tmp_path / "cache", 10**9)
    assert os.listdir(tmp_path / "cache") == ["key"]
    assert await later.fetch("key", empty(tmp_path, "b")) == rendered


async def test_what_is_not_of_the_cache_stays_and_stops_no_start(tmp_path: Path) -> None:
    source, rendered = staged(tmp_path, "a")
    await TemplateCache(tmp_path / "cache", 10**9).insert("key", source, rendered)
    (tmp_path / "cache" / "theirs" / "templates").mkdir(parents=True)
    (tmp_path / "cache" / "file").write_text("x")
    (tmp_path / "cache" / "link").symlink_to(tmp_path / "cache" / "key")
    later = TemplateCache(tmp_path / "cache", 10**9)
    assert len(later) == 1 and sorted(os.listdir(tmp_path / "cache")) == ["file", "key", "link", "theirs"]


async def test_the_least_recently_used_goes_first_and_the_bound_holds(tmp_path: Path) -> None:
    bound = 240_000
    cache = TemplateCache(tmp_path / "cache", bound)
    for number in range(3):
        await cache.insert(f"k{number}", *staged(tmp_path, f"s{number}", os.urandom(1000)))
    assert await cache.fetch("k0", empty(tmp_path, "touch")) is not None
    for number in range(3, 20):
        await cache.insert(f"k{number}", *staged(tmp_path, f"s{number}", os.urandom(4000)))
        await cache.fetch("k0", empty(tmp_path, f"touch{number}"))
        on_disk = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file())
        assert on_disk == cache.bytes_used <= bound
    kept = set(os.listdir(tmp_path / "cache"))
    assert "k0" in kept and "k19" in kept and "k1" not in kept


class SmallDisk:
    """A disk of so many bytes, on which there is the cache and what others have taken."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size, self.others = folder, size, 0

    def free_bytes(self, path: Path) -> int:
        assert path == self.folder
        return self.size - self.others - sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallDisk:
    disk = SmallDisk(tmp_path / "cache", 500_000)
    monkeypatch.setattr(template_cache, "free_bytes", disk.free_bytes)
    return disk


async def test_the_cache_leaves_room_on_its_disk_whatever_its_bound(tmp_path: Path, disk: SmallDisk) -> None:
    cache = TemplateCache(tmp_path / "cache", 10**9, spare_bytes=200_000)
    for number in range(12):
        await cache.insert(f"k{number}", *staged(tmp_path, f"s{number}", os.urandom(6000)))
        assert disk.free_bytes(tmp_path / "cache") >= 200_000
    assert len(cache) > 1 and await cache.fetch("k11", empty(tmp_path, "b")) is not None
    assert await cache.fetch("k0", empty(tmp_path, "c")) is None


async def test_the_cache_gives_way_when_others_fill_its_disk(tmp_path: Path, disk: SmallDisk) -> None:
    cache = TemplateCache(tmp_path / "cache", 10**9, spare_bytes=200_000)
    for number in range(3):
        await cache.insert(f"k{number}", *staged(tmp_path, f"s{number}", os.urandom(6000)))
    disk.others = 200_000
    keeping = asyncio.create_task(cache.keep_room())
    while len(cache) == 3:
        await asyncio.sleep(0.01)
    keeping.cancel()
    assert len(cache) == 1 and await cache.fetch("k2", empty(tmp_path, "b")) is not None
    disk.others = 290_000
    assert len(TemplateCache(tmp_path / "cache", 10**9, spare_bytes=200_000)) == 0  # Also when a server starts.


async def test_what_would_not_fit_beside_the_spare_room_is_not_kept(tmp_path: Path, disk: SmallDisk) -> None:
    cache = TemplateCache(tmp_path / "cache", 10**9, spare_bytes=200_000)
    await cache.insert("small", *staged(tmp_path, "a"))
    await cache.insert("large", *staged(tmp_path, "b", os.urandom(40_000)))
    assert os.listdir(tmp_path / "cache") == ["small"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "missing", "linked", "entry"])
async def test_a_damaged_entry_is_dropped_and_leaves_nothing(tmp_path: Path, damage: str) -> None:
    cache = TemplateCache(tmp_path / "cache", 10**9)
    await cache.insert("key", *staged(tmp_path, "a"))
    victim = tmp_path / "cache" / "key" / ("entry.json" if damage == "entry" else "xyz_1.npy")
    content = victim.read_bytes()
    victim.unlink()
    if damage == "flipped":
        victim.write_bytes(content[:-1] + b"?")
    elif damage == "linked":
        (tmp_path / "elsewhere").write_bytes(content)
        victim.symlink_to(tmp_path / "elsewhere")
    elif damage != "missing":
        victim.write_bytes(content[:-5])
    target = empty(tmp_path, "b")
    assert await cache.fetch("key", target) is None
    assert target.directory.names() == [] and len(cache) == 0 and os.listdir(tmp_path / "cache") == []


async def test_a_cache_of_zero_bytes_is_off(tmp_path: Path) -> None:
    cache = TemplateCache(tmp_path / "cache", 0)
    await cache.insert("key", *staged(tmp_path, "a"))
    assert await cache.fetch("key", empty(tmp_path, "b")) is None and not (tmp_path / "cache").exists()


async def test_a_cache_that_cannot_be_written_fails_nobody(tmp_path: Path) -> None:
    cache = TemplateCache(tmp_path / "cache", 10**9)
    (tmp_path / "cache").rmdir()
    (tmp_path / "cache").write_text("a file is in the way")
    await cache.insert("key", *staged(tmp_path, "a"))
    assert len(cache) == 0


async def test_many_readers_and_writers_at_once(tmp_path: Path) -> None:
    cache = TemplateCache(tmp_path / "cache", 300_000)

    async def one(number: int) -> bool:
        key = f"k{number % 7}"
        target = empty(tmp_path, f"t{number}")
        rendered = await cache.fetch(key, target)
        if rendered is None:
            source, rendered = staged(tmp_path, f"s{number}", key.encode() * 500)
            await cache.insert(key, source, rendered)
            return False
        assert target.intact(rendered.files())
        return True

    for _ in range(4):
        await asyncio.gather(*(one(number) for number in range(30)))
    assert cache.bytes_used <= 300_000
    assert all(not name.startswith(".") for name in os.listdir(tmp_path / "cache"))


@pytest.mark.parametrize("inserting", [True, False])
async def test_who_is_canceled_while_files_are_copied_waits_for_the_copy(
    tmp_path: Path, inserting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, copied = threading.Event(), threading.Event(), threading.Event()

    def slow(source: Directory, target: Directory, files: Iterable[FileCopy], created: set[str] | None = None) -> None:
        begun.set()
        go_on.wait(10)
        copy_files(source, target, files, created)
        copied.set()

    cache = TemplateCache(tmp_path / "cache", 10**9)
    source, rendered = staged(tmp_path, "a")
    target = empty(tmp_path, "b")
    if not inserting:
        await cache.insert("key", source, rendered)
    monkeypatch.setattr(staged_files, "copy_files", slow)

    async def job() -> None:
        try:
            await (cache.insert("key", source, rendered) if inserting else cache.fetch("key", target))
        finally:
            (source if inserting else target).discard()

    canceled = asyncio.create_task(job())
    await asyncio.to_thread(begun.wait, 10)
    canceled.cancel()
    for _ in range(100):  # The cancellation reaches all that would let it through.
        await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await canceled
    assert await asyncio.to_thread(copied.wait, 10)
    name = "a" if inserting else "b"
    assert not leftovers_of(tmp_path / name / "templates", name)
    assert os.listdir(tmp_path / "cache") == ["key"] and len(cache) == 1
    assert await cache.fetch("key", empty(tmp_path, "c")) == rendered


def test_a_copy_is_checked_and_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    data = os.urandom(3_000_000)
    (tmp_path / "a" / "f").write_bytes(data)
    with Directory.open(tmp_path / "a") as source, Directory.open(tmp_path / "b") as target:
        copy_files(source, target, [FileCopy("f", "f", content_of(data))])
        assert (tmp_path / "b" / "f").read_bytes() == data
        assert (tmp_path / "a" / "f").stat().st_ino != (tmp_path / "b" / "f").stat().st_ino
        target.remove_file("f")
        with pytest.raises(DamagedFileError, match="f has another SHA-256"):
            copy_files(source, target, [FileCopy("f", "f", FileContent("0" * 64, len(data)))])


def test_a_source_of_another_size_is_not_copied(tmp_path: Path) -> None:
    """Such as one that somebody made endless."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with (tmp_path / "a" / "f").open("wb") as file:
        file.truncate(1 << 40)
    with Directory.open(tmp_path / "a") as source, Directory.open(tmp_path / "b") as target:
        with pytest.raises(DamagedFileError, match="another size"):
            copy_files(source, target, [FileCopy("f", "f", content_of(b"x"))])
        assert target.names() == []


async def test_a_disk_that_cannot_be_written_gives_its_entries_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = TemplateCache(tmp_path / "cache", 10**9)
    source, rendered = staged(tmp_path, "a")
    await cache.insert("key", source, rendered)

    def refused(*_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "utime", refused)
    assert await cache.fetch("key", empty(tmp_path, "b")) == rendered
    monkeypatch.setattr(Path, "rename", refused)
    (tmp_path / "cache" / "key" / "rgb_0.png").write_bytes(b"damaged")
    assert await cache.fetch("key", empty(tmp_path, "c")) is None


def test_a_file_in_place_of_the_cache_stops_no_server(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("x")
    assert len(TemplateCache(tmp_path / "cache", 10**9)) == 0
