"""What may be replaced is judged by content."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.view.encoding import encode_png
from serve_app.base.directory import Directory
from serve_app.base.errors import ServiceError
from serve_app.templates.leftovers import remove_leftover, templates_left
from serve_app.templates.replaceable import check_replaceable, others_in
from tests.unit.serve_app.templates_made import leftover, template


def others(folder: Path) -> list[str]:
    with Directory.open(folder) as opened:
        return others_in(opened)


def filled(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(template(name))
    return folder


def test_templates_of_an_older_server_have_no_manifest(tmp_path: Path) -> None:
    folder = filled(tmp_path / "t", "rgb_0.png", "mask_0.png", "xyz_0.npy", "rgb_12.png")
    (folder / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1\x00")
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest")
    (folder / "rgb_1.png").write_bytes(b"")  # What is left of a server that was killed.
    np.save(folder / "xyz_3.npy", np.zeros((8, 8, 3)))
    assert others(folder) == []


def test_our_manifest_is_known_by_its_head(tmp_path: Path) -> None:
    folder = filled(tmp_path / "t", "rgb_0.png")
    for text in (json.dumps({"format": 1, "job_id": "j", "cad": {}}, indent=1), json.dumps({"job_id": "j", "views": []})):
        (folder / "manifest.json").write_text(text)
        assert others(folder) == []


def test_a_manifest_vouches_for_no_file_of_another_kind(tmp_path: Path) -> None:
    folder = filled(tmp_path / "t", "rgb_0.png")
    (folder / "thesis.tex").write_text("years")
    (folder / "manifest.json").write_text(json.dumps({"job_id": "j", "views": [{"files": {"thesis.tex": {"bytes": 5}}}]}))
    assert others(folder) == ["thesis.tex"]


@pytest.mark.parametrize("text", ["{", "[]", '{"job_id": 3, "views": []}', '{"name": "a web app", "icons": []}', "[" * 100_000])
def test_a_manifest_of_somebody_else_is_not_ours(tmp_path: Path, text: str) -> None:
    folder = filled(tmp_path / "t", "rgb_0.png")
    (folder / "manifest.json").write_text(text)
    assert others(folder) == ["manifest.json"]


HEADERS = [
    "{'descr': (",
    '"' * 3,
    "{[]:1}",
    "  x\n y",
    "(" * 3000,
    "{'descr': '<f2', 'fortran_order': False, 'shape': (8, 8, 4), }",
    "{'descr': '<i2', 'fortran_order': False, 'shape': (8, 8, 3), }",
    "{'descr': '<f2', 'fortran_order': False, 'shape': __import__('os').getpid(), }",
]


@pytest.mark.parametrize("header", HEADERS)
def test_a_crafted_array_is_no_template_and_stops_nobody(tmp_path: Path, header: str) -> None:
    folder = filled(tmp_path / "t", "rgb_0.png")
    (folder / "xyz_0.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
    assert others(folder) == ["xyz_0.npy"]


def text_called_template(path: Path) -> None:
    path.write_text("a letter")


def folder_called_template(path: Path) -> None:
    path.mkdir()
    (path / "letter.txt").write_text("x")


def link_called_template(path: Path) -> None:
    (path.parent.parent / "real.png").write_bytes(template("rgb_0.png"))
    path.symlink_to(path.parent.parent / "real.png")


@pytest.mark.parametrize("make", [text_called_template, folder_called_template, link_called_template, os.mkfifo])
@pytest.mark.parametrize("name", ["rgb_3.png", "mask_0.png", "xyz_0.npy", "manifest.json", ".DS_Store", "Thumbs.db"])
def test_a_name_alone_makes_no_template(tmp_path: Path, make: Callable[[Path], None], name: str) -> None:
    folder = filled(tmp_path / "t", "rgb_0.png")
    make(folder / name)
    assert others(folder) == [name]


@pytest.mark.parametrize("array", [np.zeros((8, 8)), np.zeros((8, 8, 4)), np.zeros((8, 8, 3), dtype=np.int32), np.zeros(3)])
def test_an_array_of_another_kind_is_no_template(tmp_path: Path, array: NDArray[Any]) -> None:
    folder = filled(tmp_path / "t", "rgb_0.png")
    np.save(folder / "xyz_0.npy", array)
    assert others(folder) == ["xyz_0.npy"]


@pytest.mark.parametrize("name", ["rgb_0.png", "mask_0.png", "xyz_0.npy"])
@pytest.mark.parametrize("size", [1, 5, 20, 127])
def test_a_half_written_template_is_ours_where_a_server_was_killed(tmp_path: Path, name: str, size: int) -> None:
    folder = filled(tmp_path / "t", name)
    os.truncate(folder / name, size)
    with Directory.open(folder) as opened:
        left = templates_left(opened)
        assert left is not None and left.templates == [name]
        (folder / name).write_bytes(b"letter"[:size])
        assert templates_left(opened) is None


def test_the_refusal_names_what_would_be_lost(tmp_path: Path) -> None:
    filled(tmp_path / "templates", "rgb_0.png")
    (tmp_path / "templates" / "descriptors.pth").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").write_text("x")
    with Directory.open(tmp_path) as parent:
        with pytest.raises(ServiceError, match=r"descriptors\.pth") as caught:
            check_replaceable(parent, "templates", "shown")
        assert caught.value.code == "output_not_replaceable" and "'shown'" in caught.value.detail
        for name in ("link", "file"):
            with pytest.raises(ServiceError, match="is a file or a link"):
                check_replaceable(parent, name, name)
        check_replaceable(parent, "new", "new")
    check_replaceable(None, "new", "new")


def rgba(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(encode_png(np.zeros((8, 8, 4), dtype=np.uint8)))


def manifest_of(layout: str) -> str:
    return json.dumps({"format": 1, "job_id": "j" * 64, "layout": layout, "views": []})


def test_numbered_images_are_templates_only_beside_a_manifest_of_their_layout(tmp_path: Path) -> None:
    rgba(tmp_path / "t", "000000.png", "000046.png")
    assert others(tmp_path / "t") == ["000000.png", "000046.png"]
    for layout in ("sam6d", "bop", "no-layout"):
        (tmp_path / "t" / "manifest.json").write_text(manifest_of(layout))
        assert others(tmp_path / "t")[:2] == ["000000.png", "000046.png"]
    (tmp_path / "t" / "manifest.json").write_text(manifest_of("cnos"))
    assert others(tmp_path / "t") == []
    (tmp_path / "t" / "000050.png").write_bytes(template("rgb_0.png"))  # A photograph has no alpha.
    assert others(tmp_path / "t") == ["000050.png"]


def test_only_a_layouts_own_sub_folders_are_looked_into(tmp_path: Path) -> None:
    folder = filled(tmp_path / "t", "rgb_0.png", "mask_0.png", "xyz_0.npy")
    rgba(folder, "extra/rgba_0.png", "extra/normals_0.png", "more/rgba_0.png", "extra/deeper/rgba_0.png")
    (folder / "extra" / "notes.txt").write_text("x")
    (folder / "extra" / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1\x00")
    assert others(folder) == ["extra/deeper", "extra/notes.txt", "more"]


def test_a_link_to_a_folder_is_no_sub_folder(tmp_path: Path) -> None:
    folder = filled(tmp_path / "t", "rgb_0.png")
    rgba(tmp_path / "theirs", "rgba_0.png")
    (folder / "extra").symlink_to(tmp_path / "theirs")
    assert others(folder) == ["extra"]


def test_what_a_kill_leaves_in_sub_folders_of_any_layout_goes_and_nothing_else_does(tmp_path: Path) -> None:
    left = leftover(tmp_path / "000005", "j1")
    rgba(left, "rgb/000000.png", "depth/000000.png", "unplaced")
    os.truncate(left / "depth" / "000000.png", 5)
    (left / "scene_gt.json").write_bytes(b"")
    with Directory.open(tmp_path) as parent:
        (left / "rgb" / "letter.txt").write_text("x")
        assert not remove_leftover(parent, left.name, "000005") and (left / "rgb" / "000000.png").exists()
        (left / "rgb" / "letter.txt").unlink()
        assert remove_leftover(parent, left.name, "000005") and not left.exists()
