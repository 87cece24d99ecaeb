from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from render_server_client import FilesError, Templates
from render_server_client.sheet import ALL_KINDS
from tests.unit.client.made import SIZE, VIEWS, K, folder_of, npy, pose_of


def test_arrays_have_the_shapes_and_types_that_are_promised(tmp_path: Path) -> None:
    read = Templates.read(folder_of(tmp_path / "templates").parent)
    assert read.rgb.shape == (VIEWS, SIZE, SIZE, 3) and read.rgb.dtype == np.uint8 and len(read) == VIEWS
    assert read.mask.shape == (VIEWS, SIZE, SIZE) and read.mask.dtype == np.bool_
    assert read.xyz.shape == read.rgb.shape and read.xyz.dtype == np.float32 and (read.xyz[~read.mask] == -1).all()
    assert read.depth.shape == read.mask.shape and read.depth.dtype == np.float32
    assert read.poses.shape == (VIEWS, 4, 4) and read.K.tolist() == [K] * VIEWS
    assert repr(read) == "Templates(3 views of <part>.stl, 16 x 16)"


def test_depth_is_along_the_viewing_axis_and_nothing_beside_the_object(tmp_path: Path) -> None:
    read = Templates.read(folder_of(tmp_path / "templates"))
    for view in range(VIEWS):
        inside = read.xyz[view][read.mask[view]]
        seen = (pose_of(view) @ np.c_[inside, np.ones(len(inside))].T).T
        assert np.allclose(read.depth[view][read.mask[view]], seen[:, 2], atol=1e-3) and seen[0, 2] == 100 + view
        assert (read.depth[view][~read.mask[view]] == 0).all()


def test_some_views_alone_keep_their_cameras(tmp_path: Path) -> None:
    read = Templates.read(folder_of(tmp_path / "templates"), views=[2, 0])
    assert read.views == (2, 0) and np.allclose(read.poses[0], pose_of(2)) and read.rgb[0, 0, 0, 0] == 25
    with pytest.raises(FilesError, match=r"views 0 to 2, not \[3\]"):
        Templates.read(tmp_path / "templates", views=[3])


def test_a_notebook_shows_a_sheet_and_no_markup_of_a_name(tmp_path: Path) -> None:
    read = Templates.read(folder_of(tmp_path / "templates"))
    assert Image.open(io.BytesIO(read._repr_png_())).size == (VIEWS * 16, 16)  # Never larger than the images are.
    shown = read._repr_html_()
    assert "data:image/png;base64," in shown and "&lt;part&gt;.stl" in shown and "<part>" not in shown


def test_a_sheet_shows_each_kind_in_its_cell(tmp_path: Path) -> None:
    read = Templates.read(folder_of(tmp_path / "templates"))
    sheet = np.asarray(read.contact_sheet(ALL_KINDS, columns=2, size=SIZE))
    assert sheet.shape == (2 * SIZE, 2 * 3 * SIZE, 3)
    second = sheet[:SIZE, 3 * SIZE :]
    assert (second[:, :SIZE] == 15).all() and (second[5, SIZE + 6] == 255).all() and (second[0, SIZE] == 0).all()
    # Over all views, x is 5 to 11 and y is 4 to 11: the first pixel of the object is 0 of both, the right-most the most red.
    assert second[4, 2 * SIZE + 5].tolist() == [0, 0, 0] and second[4, 2 * SIZE + 11].tolist() == [255, 0, 0]
    assert (sheet[SIZE:, 3 * SIZE :] == 0).all()  # There are three views only.


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("xyz_1.npy", None, r"xyz_1\.npy cannot be read: No such file"),
        ("xyz_1.npy", npy(np.zeros((4, 4, 3))), "view 1: rgb is"),
        ("xyz_1.npy", npy(np.array([{}])), r"xyz_1\.npy cannot be read \(Object arrays"),
        ("mask_0.png", b"no png", r"mask_0\.png is no PNG"),
        ("rgb_1.png", None, r"rgb_1\.png is missing"),
        ("manifest.json", b"[1]", "no JSON object"),
        ("manifest.json", b'{"intrinsics": 1}', "tells no cameras"),
        ("manifest.json", None, "tells no cameras"),
    ],
)
def test_damage_is_told_with_the_file_and_what_to_do(tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    path = folder_of(tmp_path / "templates") / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(FilesError, match=words) as caught:
        Templates.read(tmp_path)
    assert "render" in str(caught.value)
