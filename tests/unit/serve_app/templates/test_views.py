from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from render_actor.contract.view_files import PackedView, RenderedView, content_of, file_names
from render_actor.contract.view_quality import ViewQuality
from render_actor.contract.xyz_file import packed
from render_actor.view.encoding import encode_png, encode_xyz, mask_pixels
from serve_app.base.errors import ServiceError
from serve_app.templates.views import RenderedViews, quality_of, unpacked_files, view_entry

MASK = np.zeros((64, 64), dtype=bool)
MASK[10:20, 30:40] = True
XYZ = np.full((64, 64, 3), -1, dtype=np.float16)
XYZ[MASK] = np.random.default_rng(3).normal(size=(100, 3))
FILES = encode_png(np.zeros((64, 64, 3), dtype=np.uint8)), encode_png(mask_pixels(MASK)), encode_xyz(XYZ)
SENT = PackedView((FILES[0], FILES[1], packed(XYZ, MASK)))
VIEW = RenderedView(7, tuple(map(content_of, FILES)), 0.5, 100, ViewQuality(12, 0.83456, 1.25), in_sink=False)


def test_files_that_travelled_are_the_bytes_that_were_hashed() -> None:
    assert unpacked_files(VIEW, SENT) == dict(zip(file_names(7), FILES, strict=True))


PACKED_XYZ = packed(XYZ, MASK)
BAD: dict[str, tuple[int, Any]] = {
    "no points": (2, dataclasses.replace(PACKED_XYZ, points=PACKED_XYZ.points[:0])),
    "points cut off": (2, dataclasses.replace(PACKED_XYZ, points=PACKED_XYZ.points[:-1])),
    "points of another view": (2, dataclasses.replace(PACKED_XYZ, points=PACKED_XYZ.points + np.float16(1))),
    "points of two columns": (2, dataclasses.replace(PACKED_XYZ, points=PACKED_XYZ.points[:, :2])),
    "pixels of another view": (2, dataclasses.replace(PACKED_XYZ, mask_bits=PACKED_XYZ.mask_bits[::-1].copy())),
    "no RGB": (0, b""),
    "RGB cut off": (0, FILES[0][:-1]),
    "no mask": (1, b""),
    "no image for a mask": (1, b"no PNG"),
    "an empty mask": (1, encode_png(mask_pixels(np.zeros((64, 64), dtype=bool)))),
    "a mask of three channels": (1, FILES[0]),
}


@pytest.mark.parametrize("fault", BAD)
def test_files_that_changed_on_their_way_are_refused(fault: str) -> None:
    number, data = BAD[fault]
    with pytest.raises(ServiceError, match="view 7 that are not a template") as caught:
        unpacked_files(VIEW, PackedView((*SENT.files[:number], data, *SENT.files[number + 1 :])))
    assert caught.value.code == "render_failed"


def test_views_are_unpacked_in_several_threads_at_once() -> None:
    """Reading .npy headers with numpy's own reader fails there now and then, in Python 3.11."""
    with ThreadPoolExecutor(8) as pool:
        for unpacking in [pool.submit(unpacked_files, VIEW, SENT) for _ in range(1000)]:
            assert unpacking.result()["xyz_7.npy"] == FILES[2]


def test_an_entry_says_what_was_sampled_and_survives_the_disk() -> None:
    entry = view_entry(VIEW)
    assert (entry["samples"], entry["estimated_error"], entry["error_bound"]) == (12, 0.835, 1.25)
    assert entry["files"]["mask_7.png"] == {"sha256": content_of(FILES[1]).sha256, "bytes": len(FILES[1])}
    stored = json.loads(json.dumps(RenderedViews({7: entry}, {"blender": "4.5"}).to_json()))
    assert RenderedViews.from_json(stored).qualities() == {7: ViewQuality(12, 0.835, 1.25)}


def test_numbers_of_numpy_are_plain_in_an_entry() -> None:
    measured = ViewQuality(np.int64(12), np.float32(0.5), np.float64(1.25))  # type: ignore[arg-type]
    entry = view_entry(dataclasses.replace(VIEW, quality=measured))
    assert json.loads(json.dumps(entry))["estimated_error"] == 0.5 and quality_of(entry) == ViewQuality(12, 0.5, 1.25)


def test_where_no_error_is_estimated_the_entry_says_null() -> None:
    entry = view_entry(dataclasses.replace(VIEW, quality=ViewQuality(50)))
    assert entry["estimated_error"] is None and entry["error_bound"] is None and quality_of(entry) == ViewQuality(50)


def test_of_a_view_of_an_older_server_the_quality_is_not_known() -> None:
    entry = {"index": 3, "seconds": 0.5, "files": {}}
    assert quality_of(entry) is None and RenderedViews({3: entry}).qualities() == {}


@pytest.mark.parametrize("nonsense", [{"samples": "12"}, {"samples": None}, {"samples": 12, "estimated_error": "low"}])
def test_a_quality_that_is_no_number_is_refused(nonsense: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no numbers"):
        quality_of(nonsense)
