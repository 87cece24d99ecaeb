from __future__ import annotations

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serve_app.base import directory
from serve_app.base.errors import ServiceError
from serve_app.templates.leftovers import staging_name
from serve_app.templates.staging import StagingFolder
from tests.open_files import open_below
from tests.unit.serve_app.templates_made import content_of, leftover, staging_at, template


def stage(root: Path, target: Path, *names: str, job: str = "j1", brightness: int = 0) -> StagingFolder:
    folder = staging_at(root, target, job)
    folder.open()
    for name in names:
        folder.write(name, template(name, brightness))
    return folder


def publish(folder: StagingFolder) -> list[str]:
    return folder.publish({name: folder.directory.status(name).st_size for name in folder.directory.names()})


def test_nothing_is_seen_before_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "deep" / "templates"
    folder = stage(tmp_path, target, "rgb_0.png")
    assert not target.exists()
    publish(folder)
    assert [path.name for path in target.iterdir()] == ["rgb_0.png"]
    assert [path.name for path in target.parent.iterdir()] == ["templates"]


@pytest.mark.parametrize("exchange_works", [True, False])
def test_an_earlier_folder_stays_until_the_moment_of_publishing(
    tmp_path: Path, exchange_works: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "templates"
    publish(stage(tmp_path, target, "rgb_0.png", "rgb_1.png", job="old"))
    if not exchange_works:
        monkeypatch.setattr(directory, "_RENAME_EXCHANGE", 1 << 20)  # A flag that the kernel does not know: EINVAL.
    folder = stage(tmp_path, target, "rgb_0.png", job="new", brightness=9)
    assert sorted(os.listdir(target)) == ["rgb_0.png", "rgb_1.png"]
    assert publish(folder) == []
    assert os.listdir(target) == ["rgb_0.png"] and (target / "rgb_0.png").read_bytes() == template("rgb_0.png", 9)
    assert os.listdir(tmp_path) == ["templates"]


def test_only_the_server_may_enter_it_until_it_is_published(tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    folder = stage(tmp_path, tmp_path / "templates", "rgb_0.png")
    assert folder.directory.mode == 0o700
    publish(folder)
    assert stat.S_IMODE((tmp_path / "templates").stat().st_mode) == stat.S_IMODE((tmp_path / "usual").stat().st_mode)


def test_discarding_leaves_no_trace(tmp_path: Path) -> None:
    folder = stage(tmp_path, tmp_path / "a" / "b" / "templates", "rgb_0.png")
    folder.discard()
    assert os.listdir(tmp_path) == []


def test_discarding_keeps_what_others_put_there(tmp_path: Path) -> None:
    folder = stage(tmp_path, tmp_path / "a" / "templates", "rgb_0.png")
    (tmp_path / "a" / "theirs").write_text("x")
    folder.discard()
    assert os.listdir(tmp_path / "a") == ["theirs"]
    folder = stage(tmp_path, tmp_path / "a" / "templates", "rgb_0.png")
    (folder.directory.path / "letter.txt").write_text("x")
    folder.discard()
    (kept,) = tmp_path.rglob("letter.txt")
    assert os.listdir(kept.parent) == ["letter.txt"]


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ServiceError, match="'file' in it is a link or a file") as caught:
        staging_at(tmp_path, tmp_path / "file" / "templates", "j").open()
    assert caught.value.code == "output_not_writable" and caught.value.field == "output_dir"


def test_jobs_that_share_a_missing_parent_do_not_meet(tmp_path: Path) -> None:
    def one(number: int) -> None:
        folder = stage(tmp_path, tmp_path / "new" / str(number % 3) / f"t{number}", "rgb_0.png", job=str(number))
        if number % 2:
            folder.discard()
        else:
            publish(folder)

    with ThreadPoolExecutor(max_workers=8) as threads:
        list(threads.map(one, range(200)))
    published = list(tmp_path.rglob("rgb_0.png"))
    assert len(published) == 100 and not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("exchange_works", [True, False])
def test_jobs_for_one_folder_each_publish_a_whole_one(tmp_path: Path, exchange_works: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "templates"
    if not exchange_works:
        monkeypatch.setattr(directory, "_RENAME_EXCHANGE", 1 << 20)

    def one(number: int) -> None:
        publish(stage(tmp_path, target, "rgb_0.png", "rgb_1.png", job=str(number), brightness=number))

    with ThreadPoolExecutor(max_workers=8 if exchange_works else 1) as threads:
        list(threads.map(one, range(100)))
    assert os.listdir(tmp_path) == ["templates"] and sorted(os.listdir(target)) == ["rgb_0.png", "rgb_1.png"]
    assert (target / "rgb_0.png").read_bytes() == (target / "rgb_1.png").read_bytes()


@pytest.mark.parametrize("change", ["missing", "cut", "stray", "link"])
def test_a_staging_folder_that_somebody_changed_is_not_published(tmp_path: Path, change: str) -> None:
    folder = stage(tmp_path, tmp_path / "templates", "rgb_0.png", "rgb_1.png")
    files = {name: len(template(name)) for name in ("rgb_0.png", "rgb_1.png")}
    here = folder.directory.path
    if change in ("missing", "link"):
        (here / "rgb_0.png").rename(tmp_path / "aside.png")
    if change == "link":
        (here / "rgb_0.png").symlink_to(tmp_path / "aside.png")
    if change == "cut":
        (here / "rgb_0.png").write_text("j")
    elif change == "stray":
        (here / "xyz_9.npy").write_text("x")
    with pytest.raises(ServiceError, match="changed by somebody else"):
        folder.publish(files)
    assert not (tmp_path / "templates").exists()


def test_a_later_server_finds_what_is_intact_and_keeps_nothing_else(tmp_path: Path) -> None:
    folder = stage(tmp_path, tmp_path / "templates", "rgb_0.png", "rgb_1.png")
    mark = folder.mark
    folder.leave()
    later = staging_at(tmp_path, tmp_path / "templates", "j1")
    later.open(type(mark).from_json(mark.to_json()))
    good = {"rgb_0.png": content_of(template("rgb_0.png"))}
    other = content_of(template("rgb_0.png", 1))
    assert later.intact(good) and not later.intact({"rgb_1.png": other}) and not later.intact({"rgb_7.png": other})
    later.keep_only(set(good))
    assert later.directory.names() == ["rgb_0.png"] and later.mark == mark


def a_link(folder: Path, mark_name: str) -> None:
    (folder / mark_name).rename(folder / "moved")
    (folder / mark_name).symlink_to(folder / "moved")


def another_folder(folder: Path, mark_name: str) -> None:
    (folder / mark_name).rename(folder / "moved")
    (folder / mark_name).mkdir()


def a_letter_in_it(folder: Path, mark_name: str) -> None:
    (folder / mark_name / "letter.txt").write_text("x")


@pytest.mark.parametrize("change", [a_link, another_folder, a_letter_in_it])
def test_a_later_server_begins_anew_where_it_does_not_find_the_very_folder(tmp_path: Path, change: Callable[[Path, str], None]) -> None:
    folder = stage(tmp_path, tmp_path / "templates", "rgb_0.png")
    mark = folder.mark
    folder.leave()
    change(tmp_path, mark.name)
    later = staging_at(tmp_path, tmp_path / "templates", "j1")
    later.open(mark)
    assert later.mark.name != mark.name and later.directory.names() == []
    later.write("rgb_0.png", b"new")
    (left,) = [path for path in tmp_path.rglob("rgb_0.png") if path.parent != later.directory.path and not path.parent.is_symlink()]
    assert left.read_bytes() == template("rgb_0.png")


def test_leftovers_of_the_job_go_and_those_of_others_stay(tmp_path: Path) -> None:
    target = tmp_path / "templates"
    gone = leftover(target, "j1", "rgb_0.png", "xyz_3.npy")
    kept = [leftover(target, "j2", "rgb_0.png"), leftover(target, "j1", "rgb_0.png", number=1)]
    (kept[1] / "letter.txt").write_text("x")
    folder = stage(tmp_path, target, "rgb_0.png")
    folder.remove_leftovers()
    assert not gone.exists() and all(other.is_dir() for other in kept) and folder.directory.names() == ["rgb_0.png"]


def test_a_full_disk_is_told_from_a_forbidden_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stage(tmp_path, tmp_path / "templates")
    monkeypatch.setattr(directory.Directory, "create", lambda *_: open("/dev/full", "wb", buffering=0))  # noqa: PTH123, SIM115
    with pytest.raises(ServiceError) as caught:
        folder.write("rgb_0.png", b"x")
    assert caught.value.code == "storage_full"


@pytest.mark.parametrize(
    ("name", "foreign", "stays"),
    [(staging_name("a", "0" * 16), False, False), (staging_name("a", "0" * 16), True, True), ("elsewhere", False, True)],
)
def test_who_leaves_the_staging_folder_of_a_job_that_has_given_up_removes_it(tmp_path: Path, name: str, foreign: bool, stays: bool) -> None:
    """One that was published for a moment, and taken back with what another job had begun in it."""
    (tmp_path / "a").mkdir()
    inner = staging_at(tmp_path, tmp_path / "a" / "b", "inner")
    inner.open()
    inner.write("rgb_0.png", b"x")
    (tmp_path / "a").rename(tmp_path / name)
    if foreign:
        (tmp_path / name / "mine.txt").write_text("mine")
    inner.discard()
    assert os.listdir(tmp_path) == ([name] if stays else [])
    assert not list(tmp_path.rglob(".render-inner-*"))


def test_open_folders_are_closed_at_the_end(tmp_path: Path) -> None:
    before = open_below(tmp_path)
    for number in range(20):
        folder = stage(tmp_path, tmp_path / str(number) / "templates", "rgb_0.png")
        if number % 3:
            publish(folder)
        else:
            (folder.leave if number % 2 else folder.discard)()
    assert open_below(tmp_path) == before
