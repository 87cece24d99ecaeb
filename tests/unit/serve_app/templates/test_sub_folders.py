"""Staging folders whose files lie in sub-folders, and in more than one place."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from serve_app.base import directory
from serve_app.base.errors import ServiceError
from serve_app.templates.file_forms import POSES_NPY
from serve_app.templates.layouts.bop import Bop
from serve_app.templates.places import Places, places_of
from serve_app.templates.staging import StagingFolder
from tests.unit.serve_app.templates_made import content_of, roots_at, template

PLACES = places_of(Bop(), ("rgb", "mask"), 2)
NAMES = tuple(PLACES)
PATHS = sorted(path for paths in PLACES.values() for path in paths)
MANIFEST = b'{"format": 1, "job_id": "j1", "layout": "bop"}'


def staging(root: Path, job: str = "j1", places: Places = PLACES) -> StagingFolder:
    return StagingFolder(roots_at(root), root / "000005", job, "shown", places)


def staged(root: Path, job: str = "j1", brightness: int = 0) -> StagingFolder:
    folder = staging(root, job)
    folder.open()
    for name in NAMES:
        folder.write(name, template(name, brightness))
    folder.complete({name: content_of(template(name, brightness)) for name in NAMES})
    folder.write("manifest.json", MANIFEST)
    return folder


def sizes(brightness: int = 0) -> dict[str, int]:
    return {path: len(template(name, brightness)) for name in NAMES for path in PLACES[name]} | {"manifest.json": len(MANIFEST)}


def paths_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("exchange_works", [True, False])
def test_an_earlier_folder_is_replaced_whole_at_once(tmp_path: Path, exchange_works: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    staged(tmp_path, "old").publish(sizes())
    if not exchange_works:
        monkeypatch.setattr(directory, "_RENAME_EXCHANGE", 1 << 20)  # A flag that the kernel does not know: EINVAL.
    folder = staged(tmp_path, "new", brightness=9)
    assert (tmp_path / "000005" / "rgb" / "000000.png").read_bytes() == template("rgb_0.png")
    assert folder.publish(sizes(9)) == []
    assert paths_in(tmp_path / "000005") == sorted([*PATHS, "manifest.json"]) and os.listdir(tmp_path) == ["000005"]
    for name in NAMES:
        for path in PLACES[name]:
            assert (tmp_path / "000005" / path).read_bytes() == template(name, 9)
            assert (tmp_path / "000005" / path).stat().st_nlink == 1


def a_letter(here: Path) -> None:
    (here / "rgb" / "letter.txt").write_text("x")


def another_folder(here: Path) -> None:
    (here / "more").mkdir()


def a_folder_in_a_folder(here: Path) -> None:
    (here / "rgb" / "more").mkdir()


def a_link_for_a_folder(here: Path) -> None:
    (here / "rgb").rename(here.parent / "rgb")
    (here / "rgb").symlink_to(here.parent / "rgb")


def one_less(here: Path) -> None:
    (here / "mask_visib" / "000001_000000.png").unlink()


@pytest.mark.parametrize("change", [a_letter, another_folder, a_folder_in_a_folder, a_link_for_a_folder, one_less])
def test_a_staging_folder_that_somebody_changed_is_not_published(tmp_path: Path, change: Callable[[Path], None]) -> None:
    folder = staged(tmp_path)
    change(folder.directory.path)
    with pytest.raises(ServiceError, match="changed by somebody else"):
        folder.publish(sizes())
    assert not (tmp_path / "000005").exists()


def test_a_link_in_the_place_of_a_sub_folder_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    folder = staging(tmp_path)
    folder.open()
    (folder.directory.path / "rgb").symlink_to(tmp_path / "theirs")
    with pytest.raises(ServiceError) as caught:
        folder.write("rgb_0.png", template("rgb_0.png"))
    assert caught.value.code == "output_not_writable" and os.listdir(tmp_path / "theirs") == []


def test_discarding_leaves_no_trace_but_what_others_put_there(tmp_path: Path) -> None:
    staged(tmp_path).discard()
    assert os.listdir(tmp_path) == []
    folder = staged(tmp_path)
    a_letter(folder.directory.path)
    folder.discard()
    (kept,) = tmp_path.rglob("letter.txt")
    assert paths_in(kept.parent.parent) == ["rgb/letter.txt"]


def test_a_later_server_keeps_what_is_vouched_for(tmp_path: Path) -> None:
    folder = staged(tmp_path)
    mark = folder.mark
    folder.leave()
    later = staging(tmp_path)
    later.open(mark)
    assert later.intact({"mask_1.png": content_of(template("mask_1.png"))})
    later.keep_only({"rgb_0.png", "mask_0.png", "rgb_1.png"})
    assert paths_in(later.directory.path) == ["mask/000000_000000.png", "rgb/000000.png", "rgb/000001.png"]
    later.write("mask_1.png", template("mask_1.png"))
    later.complete({name: content_of(template(name)) for name in NAMES})
    later.write("manifest.json", MANIFEST)
    later.publish(sizes())
    assert paths_in(tmp_path / "000005") == sorted([*PATHS, "manifest.json"]) and os.listdir(tmp_path) == ["000005"]


POSES = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f8', 'fortran_order': False, 'shape': (42, 4, 4), }"


def test_a_file_beside_the_folder_replaces_one_of_its_form_and_no_other(tmp_path: Path) -> None:
    forms, beside = {r"poses/\d+\.npy": POSES_NPY}, tmp_path / "poses" / "5.npy"
    folder = staged(tmp_path)
    folder.place_beside(tmp_path, {"poses/5.npy": POSES}, forms)
    folder.place_beside(tmp_path, {"poses/5.npy": POSES + b"new"}, forms)
    assert beside.read_bytes() == POSES + b"new"
    folder.publish(sizes())
    assert sorted(os.listdir(tmp_path)) == ["000005", "poses"] and os.listdir(tmp_path / "poses") == ["5.npy"]
    for occupy in (lambda: beside.write_text("a letter"), beside.mkdir, lambda: beside.symlink_to(tmp_path / "gone")):
        beside.rmdir() if beside.is_dir() else beside.unlink()
        occupy()
        folder = staged(tmp_path)
        with pytest.raises(ServiceError, match=r"'shown/poses/5\.npy' is something else"):
            folder.place_beside(tmp_path, {"poses/5.npy": POSES}, forms)
        folder.discard()
        assert not (tmp_path / "gone").exists() and sorted(os.listdir(tmp_path)) == ["000005", "poses"]


def test_nothing_is_put_beside_a_folder_that_cannot_be_replaced(tmp_path: Path) -> None:
    folder = staged(tmp_path)
    (tmp_path / "000005").mkdir()
    (tmp_path / "000005" / "letter.txt").write_text("x")
    with pytest.raises(ServiceError, match=r"letter\.txt"):
        folder.place_beside(tmp_path, {"poses/5.npy": POSES}, {r"poses/\d+\.npy": POSES_NPY})
    assert not (tmp_path / "poses").exists()
