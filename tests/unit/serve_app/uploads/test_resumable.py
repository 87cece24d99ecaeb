"""Uploads in pieces: they go on after a lost connection and a restart, and are checked when they are whole."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from serve_app.base.errors import ServiceError
from serve_app.uploads.resumable import Partial, ResumableUploads
from serve_app.uploads.store import UploadStore
from serve_app.uploads.upload import Upload
from tests.unit.serve_app.uploads.made import CAD, LIMITS, zipped


class Desk:
    """Receives pieces, and may be started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.restart()

    def restart(self) -> None:
        self.store = UploadStore(self.folder, LIMITS, lambda upload_id: False)
        self.resumable = ResumableUploads(self.store)

    def partial(self, upload_id: str) -> Partial:
        found = self.resumable.find(upload_id)
        assert isinstance(found, Partial)
        return found

    async def send(self, partial: Partial, offset: int, *pieces: bytes, **more: Any) -> Upload | Partial:
        return await self.resumable.append(partial, offset, stream(*pieces), **more)

    async def refusal(self, partial: Partial, offset: int, *pieces: bytes, **more: Any) -> str:
        with pytest.raises(ServiceError) as caught:
            await self.send(partial, offset, *pieces, **more)
        return caught.value.code

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.name != ".gone")


async def stream(*pieces: bytes, fault: BaseException | None = None) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if fault is not None:
        raise fault


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "uploads")


async def test_pieces_become_an_upload(desk: Desk) -> None:
    partial = await desk.resumable.create("a.stl", len(CAD))
    assert desk.store.room.used == len(CAD)
    assert await desk.send(partial, 0, CAD[:5], CAD[5:7]) is partial and partial.offset == 7
    upload = await desk.send(partial, 7, CAD[7:])
    assert isinstance(upload, Upload) and upload.upload_id == partial.upload_id and upload.cads == ("a.stl",)
    assert desk.store.file(upload.upload_id, None)[0].read_bytes() == CAD
    assert desk.resumable.find(upload.upload_id) is upload and desk.left() == [upload.upload_id]
    assert desk.store.room.used == len(CAD) and upload.sent_bytes == len(CAD)


async def test_an_archive_is_unpacked_when_it_is_whole(desk: Desk) -> None:
    archive = zipped(("a.obj", CAD), ("a.mtl", b"x"))
    partial = await desk.resumable.create("a.zip", len(archive))
    upload = await desk.send(partial, 0, archive)
    assert isinstance(upload, Upload) and len(upload.files) == 2 and upload.sent_bytes == len(archive)
    assert desk.store.room.used == upload.bytes


async def test_what_is_refused_when_it_is_whole_is_gone(desk: Desk) -> None:
    archive = zipped(("../a.obj", CAD))
    partial = await desk.resumable.create("a.zip", len(archive))
    assert await desk.refusal(partial, 0, archive) == "upload_invalid"
    assert desk.left() == [] and desk.store.room.used == 0
    with pytest.raises(ServiceError) as caught:
        desk.resumable.find(partial.upload_id)
    assert caught.value.code == "upload_expired"


async def test_a_piece_goes_on_where_the_last_ended(desk: Desk) -> None:
    partial = await desk.resumable.create("a.stl", len(CAD))
    with pytest.raises(ConnectionError):
        await desk.resumable.append(partial, 0, stream(CAD[:6], fault=ConnectionError()))
    assert partial.offset == 6
    for offset in (0, 5, 7):
        assert await desk.refusal(partial, offset, CAD[offset:]) == "upload_offset_conflict"
    assert isinstance(await desk.send(partial, 6, CAD[6:]), Upload)


async def test_no_more_comes_than_was_said(desk: Desk) -> None:
    partial = await desk.resumable.create("a.stl", 10)
    assert await desk.refusal(partial, 0, CAD[:6], CAD[6:11]) == "upload_too_large" and partial.offset == 6


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
async def test_a_piece_with_another_checksum_is_not_kept(desk: Desk, algorithm: str) -> None:
    partial = await desk.resumable.create("a.stl", len(CAD))
    right = hashlib.new(algorithm, CAD[:8]).digest()
    assert await desk.refusal(partial, 0, CAD[:7], checksum=(algorithm, right)) == "upload_checksum_mismatch"
    with pytest.raises(ConnectionError):
        await desk.resumable.append(partial, 0, stream(CAD[:7], fault=ConnectionError()), (algorithm, right))
    assert partial.offset == 0
    await desk.send(partial, 0, CAD[:4], CAD[4:8], checksum=(algorithm, right))
    assert partial.offset == 8
    upload = await desk.send(partial, 8, CAD[8:])
    assert isinstance(upload, Upload) and upload.files[0].sha256 == hashlib.sha256(CAD).hexdigest()


async def test_a_restart_goes_on_from_what_was_answered(desk: Desk) -> None:
    partial = await desk.resumable.create("a.stl", len(CAD))
    await desk.send(partial, 0, CAD[:9])
    data = desk.folder / f".tus-{partial.upload_id}" / "data"
    with data.open("ab") as file:  # What a server had written when it was killed.
        file.write(b"never answered")
    desk.restart()
    found = desk.partial(partial.upload_id)
    assert (found.offset, found.length, found.name) == (9, len(CAD), "a.stl") and desk.store.room.used == len(CAD)
    upload = await desk.send(found, 9, CAD[9:])
    assert isinstance(upload, Upload) and desk.store.file(upload.upload_id, None)[0].read_bytes() == CAD


async def test_one_whose_bytes_are_missing_is_removed_at_the_start(desk: Desk) -> None:
    partial = await desk.resumable.create("a.stl", len(CAD))
    await desk.send(partial, 0, CAD[:9])
    os.truncate(desk.folder / f".tus-{partial.upload_id}" / "data", 3)
    desk.restart()
    assert len(desk.resumable) == 0 and desk.left() == [] and desk.store.room.used == 0


async def test_what_is_left_lying_expires(desk: Desk) -> None:
    partial = await desk.resumable.create("a.stl", len(CAD))
    partial.used_at = time.time() - LIMITS.ttl_sec - 1
    await desk.store.sweep()
    assert desk.left() == [] and desk.store.room.used == 0
    assert await desk.refusal(partial, 0, CAD) == "upload_expired"


async def test_a_client_that_hangs_up_at_the_last_byte_has_its_upload(desk: Desk) -> None:
    partial = await desk.resumable.create("a.stl", len(CAD))
    sending = asyncio.ensure_future(desk.send(partial, 0, CAD))
    while partial.finishing is None:
        await asyncio.sleep(0)
    sending.cancel()
    await asyncio.wait([sending])
    upload = await asyncio.wait_for(partial.finishing, 10)
    assert desk.resumable.find(partial.upload_id) is upload


async def test_one_is_removed_by_its_client(desk: Desk) -> None:
    partial = await desk.resumable.create("a.stl", len(CAD))
    await desk.resumable.remove(partial.upload_id)
    assert desk.left() == [] and desk.store.room.used == 0
    with pytest.raises(ServiceError):
        await desk.resumable.remove(partial.upload_id)


@pytest.mark.parametrize(
    ("name", "length", "code"),
    [
        ("a.stl", LIMITS.file_bytes + 1, "upload_too_large"),
        ("a.zip", LIMITS.upload_bytes + 1, "upload_too_large"),
        ("a.sldprt", 5, "cad_format_unsupported"),
        ("a.mtl", 5, "cad_format_unsupported"),
        ("../a.stl", 5, "upload_invalid"),
    ],
)
async def test_what_would_not_be_taken_does_not_begin(desk: Desk, name: str, length: int, code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        await desk.resumable.create(name, length)
    assert caught.value.code == code and desk.left() == [] and desk.store.room.used == 0


async def test_a_job_cannot_be_made_of_what_is_not_whole(desk: Desk) -> None:
    partial = await desk.resumable.create("a.stl", len(CAD))
    with pytest.raises(ServiceError) as caught:
        desk.store.file(partial.upload_id, None)
    assert caught.value.code == "upload_incomplete"
