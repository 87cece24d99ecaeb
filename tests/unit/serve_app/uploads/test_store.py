"""Uploads that are kept: found by id, for their time, over restarts, and never taken from a job."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from serve_app.base.errors import ServiceError
from serve_app.uploads import store
from serve_app.uploads.store import KEPT_AT_LEAST_SEC, UploadStore
from serve_app.uploads.upload import Upload
from tests.unit.serve_app.uploads.made import CAD, LIMITS

HOUR = 3600.0


class Shelf:
    """A store in a folder, and what jobs need of it."""

    def __init__(self, folder: Path, **limits: Any) -> None:
        self.folder, self.limits, self.needed = folder, replace(LIMITS, **limits), set[str]()
        self.store = self.restarted()

    def restarted(self) -> UploadStore:
        self.store = UploadStore(self.folder, self.limits, lambda upload_id: upload_id in self.needed)
        return self.store

    def put(self, *names: str, size: int = 100, idle_sec: float = 0.0) -> Upload:
        incoming = self.store.receive()
        for name in names or ("a.stl",):
            incoming.begin(name)
            incoming.write(CAD[:1] * size)
            incoming.end()
        upload = incoming.finish()
        self.store.add(upload)
        self.age(upload, idle_sec)
        return upload

    def age(self, upload: Upload, seconds: float) -> None:
        upload.used_at = time.time() - seconds
        os.utime(self.folder / upload.upload_id / "upload.json", (upload.used_at, upload.used_at))


def code_of(store: UploadStore, upload: Upload) -> str:
    with pytest.raises(ServiceError) as caught:
        store.find(upload.upload_id)
    return caught.value.code


async def refusal(work: Awaitable[Any]) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await work
    return caught.value


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "uploads")


def test_a_cad_is_found_by_its_upload(shelf: Shelf) -> None:
    one, two = shelf.put(), shelf.put("a.obj", "sub/b.ply", "a.mtl")
    path, name = shelf.store.file(one.upload_id, None)
    assert (path, name) == (shelf.folder.resolve() / one.upload_id / "files" / "a.stl", "a.stl") and path.is_file()
    assert shelf.store.file(two.upload_id, "sub/b.ply")[1] == "sub/b.ply"
    for cad, said in ((None, "say which"), ("a.mtl", "no CAD"), ("../../x", "no CAD")):
        with pytest.raises(ServiceError, match=said) as caught:
            shelf.store.file(two.upload_id, cad)
        assert caught.value.code == "cad_not_found" and "a.obj" in caught.value.detail


@pytest.mark.parametrize("upload_id", ["0" * 32, ".gone", "..", "a/b"])
def test_what_never_was_is_not_found(shelf: Shelf, upload_id: str) -> None:
    with pytest.raises(ServiceError) as caught:
        shelf.store.find(upload_id)
    assert caught.value.code == "upload_not_found"


async def test_what_has_expired_is_told_so_before_and_after_it_is_removed_and_after_a_restart(shelf: Shelf) -> None:
    upload = shelf.put(idle_sec=101)
    assert code_of(shelf.store, upload) == "upload_expired"
    await shelf.store.sweep()
    assert not (shelf.folder / upload.upload_id).exists() and len(shelf.store) == shelf.store.room.used == 0
    for found in (shelf.store, shelf.restarted()):
        assert code_of(found, upload) == "upload_expired"


async def test_each_use_keeps_an_upload_for_its_time(shelf: Shelf) -> None:
    upload = shelf.put(idle_sec=90)
    shelf.store.find(upload.upload_id)
    assert upload.used_at < time.time() - 80
    shelf.store.file(upload.upload_id, None)
    found = shelf.restarted().find(upload.upload_id)
    assert found.used_at > time.time() - 10 and found.files == upload.files and found.cads == upload.cads and found.digest == upload.digest


async def test_what_a_job_needs_stays(shelf: Shelf) -> None:
    upload = shelf.put(idle_sec=10 * HOUR)
    shelf.needed.add(upload.upload_id)
    await shelf.store.sweep()
    await shelf.store.make_room(shelf.limits.kept_bytes)
    assert shelf.store.find(upload.upload_id) is upload
    assert (await refusal(shelf.store.remove(upload.upload_id))).code == "upload_in_use"
    shelf.needed.clear()
    await shelf.store.sweep()
    assert code_of(shelf.store, upload) == "upload_expired"


async def test_room_is_made_of_what_nobody_used_for_an_hour_oldest_first(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "uploads", kept_bytes=1000, ttl_sec=100 * HOUR)
    old, older, young = (shelf.put(size=300, idle_sec=seconds) for seconds in (KEPT_AT_LEAST_SEC + 60, 2 * KEPT_AT_LEAST_SEC, 60))
    await shelf.store.make_room(100)
    assert len(shelf.store) == 3
    await shelf.store.make_room(300)
    assert code_of(shelf.store, older) == "upload_expired" and shelf.store.find(old.upload_id)
    await shelf.store.make_room(1000)
    assert code_of(shelf.store, old) == "upload_expired" and shelf.store.find(young.upload_id)
    assert shelf.store.room.used == 300


async def test_the_number_of_uploads_is_bounded_too(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_UPLOADS", 2)
    shelf.limits = replace(shelf.limits, ttl_sec=100 * HOUR)
    shelf.restarted()
    old, young = shelf.put(idle_sec=2 * KEPT_AT_LEAST_SEC), shelf.put()
    with pytest.raises(ServiceError) as caught:
        shelf.store.receive()
    assert caught.value.code == "storage_full"
    await shelf.store.make_room(1)
    shelf.put()
    assert code_of(shelf.store, old) == "upload_expired" and shelf.store.find(young.upload_id)


async def test_a_client_removes_its_upload(shelf: Shelf) -> None:
    upload = shelf.put()
    await shelf.store.remove(upload.upload_id)
    assert (await refusal(shelf.store.remove(upload.upload_id))).code == "upload_expired"
    assert [path.name for path in shelf.folder.iterdir()] == [".gone"]


async def test_what_no_request_used_is_forgotten_without_a_trace(shelf: Shelf) -> None:
    unused, used = shelf.put(), shelf.put()
    shelf.store.file(used.upload_id, None)
    for upload in (unused, used):
        await shelf.store.forget_unused(upload)
    assert code_of(shelf.store, unused) == "upload_not_found" and shelf.store.find(used.upload_id)


def test_a_restart_finds_what_was_whole_and_sweeps_what_was_not(shelf: Shelf) -> None:
    kept = shelf.put("a.obj", "a.mtl")
    begun = shelf.store.receive()
    begun.begin("b.stl")
    begun.write(CAD)
    (shelf.folder / ".doomed-x").mkdir()
    (shelf.folder / "other").mkdir()
    store = shelf.restarted()
    assert store.find(kept.upload_id).bytes == 200 and store.room.used == 200 and len(store) == 1
    assert sorted(path.name for path in shelf.folder.iterdir()) == sorted([".gone", kept.upload_id, "other"])
