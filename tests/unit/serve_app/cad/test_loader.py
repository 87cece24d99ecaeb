"""The loader reads a CAD no more often than it must, several at a time, and says when shared memory is full."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from ray.exceptions import ObjectStoreFullError, OutOfDiskError

from render_actor.contract.types import CadMesh
from serve_app.base.errors import ServiceError
from serve_app.base.file_digests import FileDigests
from serve_app.base.regular_file import sha256_of_open_file
from serve_app.base.settings import Settings
from serve_app.cad import loader as loader_module
from serve_app.cad.limits import CadLimits
from serve_app.cad.loader import LARGE_BYTES, CadLoader
from serve_app.cad.parse import ParsedCad, parse_cad
from serve_app.cad.read_options import ReadOptions
from tests.hostile import GOOD
from tests.hostile.files import textured_obj

LIMITS = CadLimits.from_settings(Settings())


class Reads:
    """Counts what is read: ``parsed`` and ``hashed`` hold the names of the files."""

    def __init__(self) -> None:
        self.parsed: list[str] = []
        self.hashed = 0

    async def parse(self, path: Path, size: int, limits: CadLimits, options: ReadOptions) -> ParsedCad:
        self.parsed.append(path.name)
        return parse_cad(path.read_bytes(), path.suffix, path.parent, limits, options)

    def sha256(self, file: BinaryIO, limit: int) -> str:
        self.hashed += 1
        return sha256_of_open_file(file, limit)

    def loader(self, now_ns: Callable[[], int] = time.time_ns, cache_bytes: int = 2**20) -> CadLoader:
        return CadLoader(LIMITS, cache_bytes, FileDigests(self.sha256, now_ns), parse=self.parse, put=lambda mesh: "reference")

    def count(self) -> int:
        """Readings since the last call."""
        count = len(self.parsed) + self.hashed
        self.parsed, self.hashed = [], 0
        return count


@pytest.fixture
def reads() -> Reads:
    return Reads()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "cad.ply").write_bytes(GOOD["ascii.ply"])
    return tmp_path / "cad.ply"


def in_an_hour() -> int:
    return time.time_ns() + 3600 * 10**9


async def test_the_parsing_process_reads_it(path: Path) -> None:
    loader = CadLoader(LIMITS, 2**20, FileDigests(), put=lambda mesh: mesh)
    cad = await loader.load(path)
    assert isinstance(cad.mesh, CadMesh) and cad.statistics["faces"] == len(cad.mesh.faces) == 4


async def test_each_request_reads_a_file_that_was_just_written_once(path: Path, reads: Reads) -> None:
    loader = reads.loader()
    first = await loader.load(path)
    assert reads.count() == 1
    for _ in range(3):
        assert await loader.load(path) is first
        assert reads.count() == 1


async def test_a_file_that_is_left_alone_is_not_read_again(path: Path, reads: Reads) -> None:
    loader = reads.loader(in_an_hour)
    first = await loader.load(path)
    assert await loader.load(path) is first and reads.count() == 2
    assert await loader.load(path) is first and reads.count() == 0


async def test_a_file_that_changed_is_read_anew(path: Path, reads: Reads) -> None:
    loader = reads.loader()
    first = await loader.load(path)
    reads.count()
    path.write_bytes(GOOD["coords.ply"])
    second = await loader.load(path)
    assert second.file_sha256 != first.file_sha256 and reads.count() == 1
    path.write_bytes(GOOD["coords.ply"].replace(b"30", b"31"))  # Its size tells nothing.
    assert (await loader.load(path)).file_sha256 != second.file_sha256 and reads.count() == 2


async def test_a_copy_of_the_same_file_is_not_parsed_again(path: Path, reads: Reads) -> None:
    loader = reads.loader(in_an_hour)
    first = await loader.load(path)
    reads.count()
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.rename(path)
    assert await loader.load(path) is first and not reads.parsed and reads.hashed == 1


async def test_a_reference_that_changed_or_came_is_seen(tmp_path: Path, reads: Reads) -> None:
    path = tmp_path / "cad.obj"
    path.write_text(textured_obj())
    loader = reads.loader()
    keys = [(await loader.load(path)).key]
    for color in (b"1 0 0", b"0 1 0"):
        (tmp_path / "a.mtl").write_bytes(b"newmtl m\nKd " + color + b"\n")
        keys.append((await loader.load(path)).key)
    (tmp_path / "a.mtl").unlink()
    keys.append((await loader.load(path)).key)
    assert len(set(keys)) == 3 and keys[0] == keys[-1]


async def test_requests_that_come_together_share_what_is_read_after_they_came(path: Path, reads: Reads) -> None:
    loader = reads.loader()
    cads = await asyncio.gather(*(loader.load(path) for _ in range(20)))
    assert {cad.key for cad in cads} == {cads[0].key}
    assert reads.count() <= loader_module.MAX_CADS_READ


async def test_small_cads_do_not_wait_for_large_ones(tmp_path: Path, reads: Reads) -> None:
    large = [tmp_path / f"{number}.stl" for number in range(loader_module.MAX_CADS_READ + 2)]
    for path in large:
        with path.open("wb") as file:
            file.truncate(LARGE_BYTES + 1)
    (tmp_path / "small.ply").write_bytes(GOOD["ascii.ply"])
    go_on, begun, full = asyncio.Event(), set[str](), asyncio.Event()

    async def parse(path: Path, size: int, limits: CadLimits, options: ReadOptions) -> ParsedCad:
        if path in large:
            begun.add(path.name)
            if len(begun) == loader_module.MAX_LARGE_CADS_READ:
                full.set()
            await go_on.wait()
            raise ServiceError("cad_invalid", "it is large", "cad_path")
        return await reads.parse(path, size, limits, options)

    loader = CadLoader(LIMITS, 2**20, FileDigests(), parse=parse, put=lambda mesh: "reference")
    waiting = [asyncio.create_task(loader.load(path)) for path in large]
    await full.wait()
    await loader.load(tmp_path / "small.ply")
    assert len(begun) == loader_module.MAX_LARGE_CADS_READ
    go_on.set()
    assert all(isinstance(error, ServiceError) for error in await asyncio.gather(*waiting, return_exceptions=True))
    assert len(begun) == len(large)


async def test_the_ones_used_longest_ago_make_room(tmp_path: Path, reads: Reads) -> None:
    for name in "abc":
        (tmp_path / f"{name}.ply").write_bytes(GOOD["ascii.ply"])
    one = (await reads.loader().load(tmp_path / "a.ply")).nbytes
    loader = reads.loader(cache_bytes=2 * one)
    for name in ("a", "b", "a", "c", "a"):
        await loader.load(tmp_path / f"{name}.ply")
    reads.count()
    await loader.load(tmp_path / "b.ply")
    assert reads.parsed == ["b.ply"]


@pytest.mark.parametrize("error", [ObjectStoreFullError, OutOfDiskError])
async def test_shared_memory_that_is_full_is_said_and_kept_cads_make_room(tmp_path: Path, reads: Reads, error: type[Exception]) -> None:
    for name in ("first", "second"):
        (tmp_path / f"{name}.ply").write_bytes(GOOD["ascii.ply"])
    full = False

    def put(mesh: CadMesh) -> str:
        if full:
            raise error("Failed to put object 00ffff in object store at /tmp/ray/session")
        return "reference"

    loader = CadLoader(LIMITS, 2**20, FileDigests(), parse=reads.parse, put=put)
    first = await loader.load(tmp_path / "first.ply")
    assert await loader.load(tmp_path / "first.ply") is first
    full = True
    with pytest.raises(ServiceError) as caught:
        await loader.load(tmp_path / "second.ply")
    assert caught.value.code == "storage_full"
    assert "/dev/shm" in caught.value.detail and "/tmp" not in caught.value.detail
    full = False
    assert await loader.load(tmp_path / "first.ply") is not first


async def test_a_refused_cad_is_refused_again_and_not_kept(path: Path, reads: Reads) -> None:
    refusing = dataclasses.replace(LIMITS, faces=1)
    loader = CadLoader(refusing, 2**20, FileDigests(), parse=reads.parse, put=lambda mesh: "reference")
    for _ in range(2):
        with pytest.raises(ServiceError, match="RENDER_MAX_FACES"):
            await loader.load(path)
    assert reads.count() == 2
