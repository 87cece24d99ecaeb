from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serve_app.base.errors import ServiceError
from serve_app.templates import staging as staging_module
from serve_app.templates.staging import StagingFolder, check_replaceable


def stage(target: Path, *names: str, job: str = "j1") -> StagingFolder:
    folder = StagingFolder(target, job, str(target))
    folder.open()
    for name in names:
        folder.write(name, job.encode())
    return folder


def publish(folder: StagingFolder) -> None:
    folder.publish({path.name: path.stat().st_size for path in folder.folder.iterdir()})


def test_nothing_is_seen_before_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "deep" / "templates"
    folder = stage(target, "rgb_0.png")
    assert not target.exists()
    publish(folder)
    assert [path.name for path in target.iterdir()] == ["rgb_0.png"]
    assert [path.name for path in target.parent.iterdir()] == ["templates"]


@pytest.mark.parametrize("exchange_works", [True, False])
def test_an_earlier_folder_stays_until_the_moment_of_publishing(
    tmp_path: Path, exchange_works: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "templates"
    publish(stage(target, "rgb_0.png", "rgb_1.png", job="old"))
    if not exchange_works:
        monkeypatch.setattr(staging_module, "_RENAME_EXCHANGE", 1 << 20)  # A flag that the kernel does not know: EINVAL.
    folder = stage(target, "rgb_0.png", job="new")
    assert sorted(os.listdir(target)) == ["rgb_0.png", "rgb_1.png"]
    publish(folder)
    assert os.listdir(target) == ["rgb_0.png"] and (target / "rgb_0.png").read_text() == "new"
    assert os.listdir(tmp_path) == ["templates"]


def test_discarding_leaves_no_trace(tmp_path: Path) -> None:
    folder = stage(tmp_path / "a" / "b" / "templates", "rgb_0.png")
    folder.discard()
    assert os.listdir(tmp_path) == []


def test_discarding_keeps_what_others_put_there(tmp_path: Path) -> None:
    folder = stage(tmp_path / "a" / "templates")
    (tmp_path / "a" / "theirs").write_text("x")
    folder.discard()
    assert os.listdir(tmp_path / "a") == ["theirs"]


def test_files_of_others_are_never_replaced(tmp_path: Path) -> None:
    target = tmp_path / "templates"
    target.mkdir()
    for name in ("rgb_0.png", "manifest.json", ".DS_Store", "xyz_3.npy"):
        (target / name).write_text("x")
    check_replaceable(target, "shown")
    (target / ".env").write_text("x")
    with pytest.raises(ServiceError, match=r"\.env"):
        check_replaceable(target, "shown")
    (target / ".env").unlink()
    (target / "descriptors.pth").write_text("x")
    with pytest.raises(ServiceError) as caught:
        check_replaceable(target, "shown")
    assert caught.value.code == "output_not_replaceable" and "descriptors.pth" in caught.value.detail and "'shown'" in caught.value.detail
    folder = stage(target)
    with pytest.raises(ServiceError):
        publish(folder)
    assert (target / "descriptors.pth").exists()


def test_a_link_or_a_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").write_text("x")
    for name in ("link", "file"):
        with pytest.raises(ServiceError):
            check_replaceable(tmp_path / name, name)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ServiceError) as caught:
        StagingFolder(tmp_path / "file" / "templates", "j", "file").open()
    assert caught.value.code == "output_not_writable" and caught.value.field == "output_dir"


def test_jobs_that_share_a_missing_parent_do_not_meet(tmp_path: Path) -> None:
    def one(number: int) -> None:
        folder = stage(tmp_path / "new" / str(number % 3) / f"t{number}", "rgb_0.png", job=str(number))
        if number % 2:
            folder.discard()
        else:
            publish(folder)

    with ThreadPoolExecutor(max_workers=8) as threads:
        list(threads.map(one, range(200)))
    published = list(tmp_path.rglob("rgb_0.png"))
    assert len(published) == 100 and not list(tmp_path.rglob("*.partial"))


def test_jobs_for_one_folder_each_publish_a_whole_one(tmp_path: Path) -> None:
    target = tmp_path / "templates"

    def one(number: int) -> None:
        publish(stage(target, "rgb_0.png", "rgb_1.png", job=str(number)))

    with ThreadPoolExecutor(max_workers=8) as threads:
        list(threads.map(one, range(100)))
    assert os.listdir(tmp_path) == ["templates"] and sorted(os.listdir(target)) == ["rgb_0.png", "rgb_1.png"]
    assert (target / "rgb_0.png").read_text() == (target / "rgb_1.png").read_text()


@pytest.mark.parametrize("change", ["missing", "cut", "stray"])
def test_a_staging_folder_that_somebody_changed_is_not_published(tmp_path: Path, change: str) -> None:
    folder = stage(tmp_path / "templates", "rgb_0.png", "rgb_1.png")
    files = {"rgb_0.png": 2, "rgb_1.png": 2}
    if change == "missing":
        (folder.folder / "rgb_0.png").unlink()
    elif change == "cut":
        (folder.folder / "rgb_0.png").write_text("j")
    else:
        (folder.folder / "xyz_9.npy").write_text("x")
    with pytest.raises(ServiceError, match="changed by somebody else"):
        folder.publish(files)
    assert not (tmp_path / "templates").exists()


def test_a_later_server_finds_what_is_intact_and_keeps_nothing_else(tmp_path: Path) -> None:
    stage(tmp_path / "templates", "rgb_0.png", "rgb_1.png")
    later = StagingFolder(tmp_path / "templates", "j1", "shown")
    later.open()
    good = {"rgb_0.png": hashlib.sha256(b"j1").hexdigest()}
    assert later.intact(good) and not later.intact({"rgb_1.png": "0" * 64}) and not later.intact({"rgb_7.png": "0" * 64})
    later.keep_only(set(good))
    assert os.listdir(later.folder) == ["rgb_0.png"]


def test_a_full_disk_is_told_from_a_forbidden_one(tmp_path: Path) -> None:
    folder = stage(tmp_path / "templates")
    (folder.folder / "rgb_0.png").symlink_to("/dev/full")
    with pytest.raises(ServiceError) as caught:
        folder.write("rgb_0.png", b"x")
    assert caught.value.code == "storage_full"


def test_a_folder_whose_templates_would_have_too_long_a_path_is_refused(tmp_path: Path) -> None:
    deep = tmp_path
    while len(os.fsencode(deep)) < 4085:
        deep = deep / ("d" * min(200, 4089 - len(os.fsencode(deep))))
    with pytest.raises(ServiceError) as caught:
        check_replaceable(deep / "templates", "shown")
    assert (caught.value.code, caught.value.field) == ("output_not_writable", "output_dir") and str(tmp_path) not in caught.value.detail
