from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from serve_app.templates.layouts.gigapose import Gigapose
from serve_app.templates.layouts.layout import Cameras
from tests.readers.gigapose import read
from tests.readers.surface import check_surface
from tests.unit.serve_app.templates.layouts.ball import Camera, distances, publish

PINHOLE, SIZE = (572.4114, 573.57043, 320.0, 240.0), (640, 480)
ITS_OWN = Camera(np.array([[572.4114, 0.0, 320.0], [0.0, 573.57043, 240.0], [0.0, 0.0, 1.0]]), *SIZE)


def test_gigapose_reads_what_was_rendered(tmp_path: Path) -> None:
    rendered = publish(Gigapose(), tmp_path, 5, views=3, camera=ITS_OWN, level=1)
    views = read(tmp_path, 5)
    assert len(views) == 3
    for view, told in zip(views, rendered.views, strict=True):
        check_surface(view, distances)
        assert view.pose is not None and view.box == told.mask_box and np.array_equal(view.pose, told.pose)
        assert view.pose[:3, 3] == pytest.approx([0, 0, 400], abs=1e-4)


def test_a_file_too_many_would_be_noticed(tmp_path: Path) -> None:
    publish(Gigapose(), tmp_path, 5, views=2, camera=ITS_OWN)
    (tmp_path / "000005" / "manifest.json").touch()
    with pytest.raises(AssertionError, match="number of PNGs"):
        read(tmp_path, 5)


@pytest.mark.parametrize(
    ("pinhole", "size"), [(None, SIZE), ((572.4114, 573.57043, 325.2611, 242.04899), SIZE), (PINHOLE, (320, 240)), (None, (64, 64))]
)
def test_another_camera_is_refused_with_the_one_that_is_read(pinhole: tuple[float, ...] | None, size: tuple[int, int]) -> None:
    assert Gigapose().refusal(Cameras(True, PINHOLE, SIZE)) is None
    refusal = Gigapose().refusal(Cameras(True, pinhole, size))  # type: ignore[arg-type]
    assert refusal is not None and "572.411" in refusal.detail and "640 x 480" in refusal.detail


def test_the_defaults_are_the_camera_that_is_read() -> None:
    camera = Gigapose.request_defaults["camera"]
    assert Gigapose().refusal(Cameras(True, tuple(camera["K"].values()), (camera["width"], camera["height"]))) is None
    assert Gigapose.request_defaults["level"] == 1 and camera["distance_mm"] == 400


def test_a_folder_is_told_by_its_pairs() -> None:
    pairs = [f"{view:06d}{end}" for view in range(3) for end in (".png", "_depth.png")]
    assert Gigapose().is_told_by(pairs)
    for other in ([], pairs[:-1], pairs[2:], [*pairs, "notes.txt"], ["000000.png", "000001.png"]):
        assert not Gigapose().is_told_by(other), other
