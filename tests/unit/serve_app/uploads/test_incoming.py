"""Files that come one after the other, and what is kept of them."""

from __future__ import annotations

import dataclasses
import hashlib
import unicodedata
from pathlib import Path

import pytest

from serve_app.base.errors import ServiceError
from serve_app.uploads.room import Room
from tests.unit.serve_app.uploads.made import CAD, LIMITS, Receiver, zipped


@pytest.fixture
def receiver(tmp_path: Path) -> Receiver:
    return Receiver(tmp_path / "uploads")


def test_files_are_kept_with_their_digests(receiver: Receiver) -> None:
    content = bytes(range(256)) * 20
    upload = receiver.take(("a.stl", content), ("sub/a.mtl", b"x"), ("notes.docx", b"y" * 5000))
    assert upload.files[0].sha256 == hashlib.sha256(content).hexdigest() and upload.bytes == len(content) + 1
    assert upload.ignored == ("notes.docx",) and upload.sent_bytes == len(content) + 5001
    assert (receiver.folder / upload.upload_id / "files/a.stl").read_bytes() == content
    assert (receiver.folder / upload.upload_id).stat().st_mode & 0o077 == 0


def test_names_are_kept_as_nfc(receiver: Receiver) -> None:
    name = unicodedata.normalize("NFD", "\ubd80\ud488.stl")
    assert receiver.take((name, CAD)).cads == ("\ubd80\ud488.stl",)


def test_the_same_files_have_the_same_digest_in_any_order(receiver: Receiver) -> None:
    one, other = receiver.take(("a.obj", CAD), ("a.mtl", b"x")), receiver.take(("a.mtl", b"x"), ("a.obj", CAD))
    assert one.digest == other.digest != receiver.take(("a.obj", CAD), ("a.mtl", b"y")).digest
    assert one.upload_id != other.upload_id


@pytest.mark.parametrize("names", [("a.zip", "a.stl"), ("a.stl", "a.zip"), ("a.zip", "b.zip"), ("a.stl", "b.tar")])
def test_an_archive_comes_alone(receiver: Receiver, names: tuple[str, str]) -> None:
    archive = zipped(("a.stl", CAD))
    assert "archive" in receiver.refusal(*((name, archive if name.endswith("zip") else CAD) for name in names)).detail


def test_an_upload_without_a_cad_is_refused_with_what_to_do(receiver: Receiver) -> None:
    error = receiver.refusal(("part.sldprt", b"x"), ("wood.png", b"y"))
    assert error.code == "cad_format_unsupported" and "SolidWorks" in error.detail and ".stl" in error.detail
    assert receiver.refusal().code == "upload_invalid"


def test_a_file_and_an_upload_are_bounded(receiver: Receiver) -> None:
    assert "RENDER_UPLOADS_MAX_FILE_BYTES" in receiver.refusal(("a.stl", bytes(LIMITS.file_bytes + 1))).detail
    half = bytes(LIMITS.upload_bytes // 2 + 1)
    assert "RENDER_UPLOADS_MAX_UPLOAD_BYTES" in receiver.refusal(("a.stl", half), ("b.stl", half)).detail
    assert "RENDER_UPLOADS_MAX_UPLOAD_BYTES" in receiver.refusal(("a.stl", CAD), ("b.txt", bytes(LIMITS.upload_bytes + 1))).detail
    assert "RENDER_UPLOADS_MAX_UPLOAD_BYTES" in receiver.refusal(("a.zip", bytes(LIMITS.upload_bytes + 1))).detail


def test_all_uploads_together_are_bounded(tmp_path: Path) -> None:
    receiver = Receiver(tmp_path / "uploads", dataclasses.replace(LIMITS, kept_bytes=1_500_000))
    kept = receiver.take(("a.stl", bytes(1_000_000)))
    with pytest.raises(ServiceError) as caught:
        receiver.take(("b.stl", bytes(1_000_000)))
    assert caught.value.code == "storage_full" and "RENDER_UPLOADS_MAX_BYTES" in caught.value.detail
    assert receiver.room.used == 1_000_000 and [path.name for path in receiver.folder.iterdir()] == [kept.upload_id]


def test_a_disk_keeps_what_must_stay_free(tmp_path: Path) -> None:
    room = Room(tmp_path, dataclasses.replace(LIMITS, spare_bytes=2**62))
    with pytest.raises(ServiceError) as caught:
        room.take(1)
    assert caught.value.code == "storage_full" and "RENDER_MIN_FREE_BYTES" in caught.value.detail and room.used == 0
