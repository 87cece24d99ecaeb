"""What becomes of the files when something fails in the moment of publishing, or somebody else is quicker."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serve_app.base import directory
from serve_app.base.directory import Directory
from serve_app.base.errors import ServiceError
from serve_app.templates.leftovers import aside_name, remove_leftovers_of
from serve_app.templates.staging import StagingFolder
from tests.open_files import open_below
from tests.unit.serve_app.templates_made import staging_at, template

OLD, NEW = 1, 2


def published(root: Path, brightness: int, job: str = "job") -> list[str]:
    staging = staged(root, brightness, job)
    try:
        return staging.publish({"rgb_0.png": len(template("rgb_0.png", brightness))})
    except ServiceError:
        staging.discard()
        raise


def staged(root: Path, brightness: int, job: str = "job") -> StagingFolder:
    staging = staging_at(root, root / "templates", job)
    staging.open()
    staging.write("rgb_0.png", template("rgb_0.png", brightness))
    return staging


def is_there(folder: Path, brightness: int) -> bool:
    return (folder / "rgb_0.png").read_bytes() == template("rgb_0.png", brightness)


def without_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on NFS: flags that the kernel does not know."""
    monkeypatch.setattr(directory, "_RENAME_EXCHANGE", 1 << 20)
    monkeypatch.setattr(directory, "_RENAME_NOREPLACE", 1 << 20)


def test_a_disk_that_fails_after_the_rename_harms_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(tmp_path, OLD)
    root, real = tmp_path.stat().st_ino, Directory.flush

    def flush(self: Directory) -> None:
        if self.identity[1] == root:
            raise OSError(errno.EIO, "Input/output error")
        real(self)

    monkeypatch.setattr(Directory, "flush", flush)
    published(tmp_path, NEW)
    assert is_there(tmp_path / "templates", NEW) and os.listdir(tmp_path) == ["templates"]


def letter_in_the_last_moment(monkeypatch: pytest.MonkeyPatch, root: Path, name: str, fails: bool) -> None:
    """Somebody's file in the target when all checks are made; and the disk, when that is to be undone."""
    real, calls = getattr(Directory, name), []

    def renamed(self: Directory, one: str, other: str) -> Any:
        calls.append(one)
        if len(calls) == 1:
            (root / "templates" / "letter.txt").write_text("mine")
        elif fails:
            raise OSError(errno.EIO, "Input/output error")
        return real(self, one, other)

    monkeypatch.setattr(Directory, name, renamed)


def test_a_letter_of_the_last_moment_is_swapped_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(tmp_path, OLD)
    letter_in_the_last_moment(monkeypatch, tmp_path, "exchange", fails=False)
    with pytest.raises(ServiceError) as caught:
        published(tmp_path, NEW)
    assert caught.value.code == "output_not_replaceable" and "letter.txt" in caught.value.detail
    assert is_there(tmp_path / "templates", OLD) and (tmp_path / "templates" / "letter.txt").read_text() == "mine"
    assert os.listdir(tmp_path) == ["templates"]


def test_what_cannot_be_swapped_back_is_published_and_the_other_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(tmp_path, OLD)
    letter_in_the_last_moment(monkeypatch, tmp_path, "exchange", fails=True)
    (warning,) = published(tmp_path, NEW)
    (kept,) = tmp_path.glob("templates.replaced-*")
    assert kept.name in warning and (kept / "letter.txt").read_text() == "mine" and is_there(kept, OLD)
    assert is_there(tmp_path / "templates", NEW)


def test_what_appears_in_the_gap_of_two_renames_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another server publishes between the two renames of this one, where the file system cannot exchange."""
    published(tmp_path, OLD)
    without_exchange(monkeypatch)
    real = Directory.rename
    gap = [True]

    def rename(self: Directory, name: str, new_name: str) -> None:
        real(self, name, new_name)
        if new_name.endswith(".aside") and gap.pop() if gap else False:
            (tmp_path / "templates").mkdir()
            (tmp_path / "templates" / "rgb_0.png").write_bytes(template("rgb_0.png", 3))

    monkeypatch.setattr(Directory, "rename", rename)
    assert published(tmp_path, NEW) == []
    assert is_there(tmp_path / "templates", NEW)
    with Directory.open(tmp_path) as parent:
        remove_leftovers_of(parent, "job", "templates")
    assert os.listdir(tmp_path) == ["templates"]


def test_a_target_that_was_moved_aside_when_the_server_was_killed_comes_back(tmp_path: Path) -> None:
    published(tmp_path, OLD)
    (tmp_path / "templates").rename(tmp_path / aside_name("job", "0" * 16))
    with Directory.open(tmp_path) as parent:
        remove_leftovers_of(parent, "job", "templates")
    assert os.listdir(tmp_path) == ["templates"] and is_there(tmp_path / "templates", OLD)


def test_a_file_that_comes_before_the_first_of_ours_fails_the_job_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Directory.make_folder

    def make_folder(self: Directory, name: str) -> None:
        real(self, name)
        (tmp_path / name / "rgb_0.png").write_text("mine")

    monkeypatch.setattr(Directory, "make_folder", make_folder)
    before = open_below(tmp_path)
    with pytest.raises(ServiceError, match="somebody else"):
        staging_at(tmp_path, tmp_path / "templates", "job").open()
    assert open_below(tmp_path) == before
    assert [path.read_text() for path in tmp_path.rglob("rgb_0.png")] == ["mine"]


def test_a_folder_above_that_another_job_gives_up_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, times = Directory.make_folder, [3]

    def make_folder(self: Directory, name: str) -> None:
        if name.endswith(".partial") and times[0]:
            times[0] -= 1
            (tmp_path / "a").rmdir()
        real(self, name)

    monkeypatch.setattr(Directory, "make_folder", make_folder)
    staging = staging_at(tmp_path, tmp_path / "a" / "templates", "job")
    staging.open()
    staging.publish({})
    assert times == [0] and (tmp_path / "a" / "templates").is_dir()


def test_files_keep_the_group_of_the_folder_above(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o2775)
    staging = staging_at(tmp_path, tmp_path / "shared" / "templates", "job")
    staging.open()
    assert staging.directory.mode == 0o2700
    staging.publish({})
    assert stat.S_IMODE((tmp_path / "shared" / "templates").stat().st_mode) & 0o7000 == 0o2000


def an_empty_folder(path: Path) -> None:
    path.mkdir()


def a_file(path: Path) -> None:
    path.write_text("mine")


@pytest.mark.parametrize("make", [an_empty_folder, a_file])
def test_what_comes_in_the_last_moment_is_never_renamed_over(
    tmp_path: Path, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Directory.rename

    def rename(self: Directory, name: str, new_name: str) -> None:
        if new_name == "templates" and not (tmp_path / "templates").exists():
            make(tmp_path / "templates")
        real(self, name, new_name)

    monkeypatch.setattr(Directory, "rename", rename)
    if make is an_empty_folder:
        assert published(tmp_path, NEW) == [] and is_there(tmp_path / "templates", NEW)
    else:
        with pytest.raises(ServiceError):
            published(tmp_path, NEW)
        assert (tmp_path / "templates").read_text() == "mine"
    assert os.listdir(tmp_path) == ["templates"]


def test_an_empty_folder_in_the_staging_folders_place_is_never_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A consumer would take it for finished templates."""
    real, staging = Directory.rename, staged(tmp_path, NEW)

    def rename(self: Directory, name: str, new_name: str) -> None:
        if new_name == "templates":
            (tmp_path / name).rename(tmp_path / "moved")
            (tmp_path / name).mkdir()
        real(self, name, new_name)

    monkeypatch.setattr(Directory, "rename", rename)
    with pytest.raises(ServiceError, match="changed by somebody else"):
        staging.publish({"rgb_0.png": len(template("rgb_0.png", NEW))})
    staging.discard()
    assert not (tmp_path / "templates").exists()
