"""Archives that nobody vouches for: what is taken, and that each trick is refused without a trace on the disk."""

from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from serve_app.uploads.archive import MAX_RATIO
from tests.unit.serve_app.uploads.made import CAD, Receiver, end_of, zipped


@pytest.fixture
def receiver(tmp_path: Path) -> Receiver:
    return Receiver(tmp_path / "uploads")


def kind(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, mode << 16
    return entry


def flagged(archive: bytes, flag: int) -> bytes:
    """The archive with a bit set in the flags of its every entry, there and in the list at its end."""
    data = bytearray(archive)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset] |= flag
            at = data.find(mark, at + 4)
    return bytes(data)


def declared(archive: bytes, size: int) -> bytes:
    """The archive whose list says another size of its first file."""
    at = archive.index(b"PK\x01\x02")
    return archive[: at + 24] + struct.pack("<L", size) + archive[at + 28 :]


def test_an_archive_becomes_its_files(receiver: Receiver) -> None:
    archive = zipped(("a/part.obj", CAD), ("a/part.mtl", b"newmtl x"), ("a/tex/wood.png", b"png"), ("readme.txt", b"hello"))
    upload = receiver.take(("parts.zip", archive))
    assert [file.name for file in upload.files] == ["a/part.obj", "a/part.mtl", "a/tex/wood.png"]
    assert upload.cads == ("a/part.obj",) and upload.ignored == ("readme.txt",)
    folder = receiver.folder / upload.upload_id
    assert (folder / "files/a/part.obj").read_bytes() == CAD and sorted(path.name for path in folder.iterdir()) == ["files", "upload.json"]
    assert receiver.room.used == upload.bytes


def test_what_mac_and_windows_put_into_archives_is_left_out(receiver: Receiver) -> None:
    upload = receiver.take(("a.zip", zipped(("a.stl", CAD), ("__MACOSX/._a.stl", b"x"), (".DS_Store", b"x"), ("b/Thumbs.db", b"x"))))
    assert [file.name for file in upload.files] == ["a.stl"] and not upload.ignored


@pytest.mark.parametrize(
    "name",
    ["../a.stl", "a/../../b.stl", "/etc/a.stl", "C:/a.stl", "..\\a.stl", "a\\..\\..\\b.stl", "./a.stl", "a//b.stl", "b\x07.stl"],
)
def test_no_name_leads_out_of_the_folder(receiver: Receiver, tmp_path: Path, name: str) -> None:
    error = receiver.refusal(("a.zip", zipped((name, CAD), ("good.stl", CAD))))
    assert error.code == "upload_invalid" and "rename it" in error.detail
    assert list(tmp_path.iterdir()) == [receiver.folder]


@pytest.mark.parametrize(
    ("mode", "what"), [(stat.S_IFLNK | 0o777, "a link"), (stat.S_IFIFO | 0o666, "no regular"), (stat.S_IFCHR, "no regular")]
)
def test_links_and_devices_are_refused(receiver: Receiver, mode: int, what: str) -> None:
    error = receiver.refusal(("a.zip", zipped((kind("a.stl", mode), b"/etc/passwd"), ("b.stl", CAD))))
    assert error.code == "upload_invalid" and what in error.detail


@pytest.mark.parametrize("name", ["inner.zip", "b/INNER.ZIP", "x.7z", "x.tar", "x.tar.gz", "x.rar"])
def test_archives_in_archives_are_refused(receiver: Receiver, name: str) -> None:
    assert "archive in an archive" in receiver.refusal(("a.zip", zipped(("a.stl", CAD), (name, b"x")))).detail


@pytest.mark.parametrize("name", ["a.stl", "wood.png", "b.glb"])
def test_archives_by_another_name_are_refused(receiver: Receiver, name: str) -> None:
    """A polyglot is one thing to who looks at its name, and another to who looks at its content."""
    inner = zipped(("x.stl", CAD))
    assert "archive by its content" in receiver.refusal(("a.zip", zipped(("good.stl", CAD), (name.replace("a.", "c."), inner)))).detail
    assert "archive by its content" in receiver.refusal((name, inner)).detail


def test_a_3mf_is_an_archive_by_its_format(receiver: Receiver) -> None:
    assert receiver.take(("part.3mf", zipped(("3D/3dmodel.model", b"<model/>")))).cads == ("part.3mf",)


@pytest.mark.parametrize("trick", ["before", "behind", "comment", "other"])
def test_what_is_an_archive_and_something_else_is_refused(receiver: Receiver, trick: str) -> None:
    archive = zipped(("a.stl", CAD))
    at = end_of(archive)[0]
    made = {
        "before": CAD + archive,
        "behind": archive + CAD,
        "comment": archive[: at + 20] + struct.pack("<H", 4) + b"<svg",
        "other": b"GIF89a" + archive,
    }[trick]
    assert receiver.refusal(("a.zip", made)).code == "upload_invalid"


def test_a_bomb_is_refused_by_what_it_says(receiver: Receiver) -> None:
    huge = zipped(("a.stl", bytes(receiver.limits.file_bytes + 1)))
    assert "RENDER_UPLOADS_MAX_FILE_BYTES" in receiver.refusal(("a.zip", huge)).detail
    many = zipped(*((f"{number}.stl", bytes(900_000)) for number in range(4)))
    assert "RENDER_UPLOADS_MAX_UPLOAD_BYTES" in receiver.refusal(("a.zip", many)).detail
    tight = zipped(("a.stl", bytes(2_000_000)))
    assert f"more than {MAX_RATIO} times" in receiver.refusal(("a.zip", tight)).detail


def test_a_bomb_is_refused_by_what_it_does(receiver: Receiver) -> None:
    """It says that it is small; what comes out of it is not."""
    bomb = declared(zipped(("a.stl", bytes(1_500_000))), 100)
    error = receiver.refusal(("a.zip", bomb))
    assert error.code == "upload_invalid" and "damaged" in error.detail


def test_files_that_share_bytes_are_refused(receiver: Receiver) -> None:
    """Each entry of the list leads to the same data: kilobytes would become as much as one likes."""
    archive = zipped(("a.stl", b"x" * 5000), ("b.stl", b"y" * 5000))
    second = archive.rindex(b"PK\x01\x02")
    shared = archive[: second + 42] + struct.pack("<L", 0) + archive[second + 46 :]
    assert "share bytes" in receiver.refusal(("a.zip", shared)).detail


def test_a_thousand_tiny_files_are_refused(receiver: Receiver) -> None:
    archive = zipped(*((f"{number}.stl", b"") for number in range(1000)))
    error = receiver.refusal(("a.zip", archive))
    assert error.code == "upload_too_large" and "RENDER_UPLOADS_MAX_FILES" in error.detail
    loose = receiver.refusal(*((f"{number}.stl", CAD) for number in range(21)))
    assert "RENDER_UPLOADS_MAX_FILES" in loose.detail


def test_a_list_of_files_that_is_too_long_is_not_read(receiver: Receiver) -> None:
    archive = zipped(("a.stl", CAD))
    at = end_of(archive)[0]
    long = archive[: at + 12] + struct.pack("<L", 5 * 1024**2) + archive[at + 16 :]
    assert "list of files" in receiver.refusal(("a.zip", long)).detail


def test_encrypted_archives_are_refused_with_what_to_do(receiver: Receiver) -> None:
    error = receiver.refusal(("a.zip", flagged(zipped(("a.stl", CAD)), 1)))
    assert error.code == "upload_invalid" and "without a password" in error.detail


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_than_deflate_are_refused(receiver: Receiver, method: int) -> None:
    assert "only deflate is read" in receiver.refusal(("a.zip", zipped(("a.stl", CAD * 50), method=method))).detail


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "files",
    [
        ("a.stl", "a.stl"),
        ("a.stl", "A.STL"),
        ("b/a.stl", "B/a.stl"),
        ("a", "a/b.stl"),
        ("stra\u00dfe.stl", "STRASSE.stl"),
        ("\u00e9.stl", "e\u0301.stl"),
    ],
)
def test_names_that_some_file_system_takes_for_one_are_refused(receiver: Receiver, files: tuple[str, str]) -> None:
    error = receiver.refusal(("a.zip", zipped(*((name, CAD) for name in files), ("good.stl", CAD))))
    assert error.code == "upload_invalid" and ("rename one" in error.detail or "called" in error.detail)


def test_what_is_no_archive_is_refused(receiver: Receiver) -> None:
    for content in (b"", b"PK", CAD, b"PK\x03\x04" + bytes(100)):
        assert receiver.refusal(("a.zip", content)).code == "upload_invalid"
    whole = zipped(("a.stl", CAD * 400))
    for cut in (len(whole) // 2, len(whole) - 1):
        assert receiver.refusal(("a.zip", whole[:cut])).code == "upload_invalid"
    broken = bytearray(whole)
    broken[60] ^= 0xFF
    assert receiver.refusal(("a.zip", bytes(broken))).code == "upload_invalid"
