from __future__ import annotations

import dataclasses
import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from render_actor.contract.types import EncodedView
from render_actor.contract.view_quality import ViewQuality
from render_actor.view.encoding import encode_mask, encode_rgb, encode_xyz
from serve_app.base.errors import ServiceError
from serve_app.templates.views import RenderedViews, check_files, quality_of, view_entry


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def view() -> EncodedView:
    mask = np.zeros((64, 64), dtype=bool)
    mask[10:20, 30:40] = True
    xyz = np.full((64, 64, 3), -1, dtype=np.float16)
    files = encode_rgb(np.zeros((64, 64, 3), dtype=np.uint8)), encode_mask(mask), encode_xyz(xyz)
    return EncodedView(7, *files, 0.5, 100, ViewQuality(12, 0.83456, 1.25))


BAD: dict[str, dict[str, Any]] = {
    "no xyz": {"xyz_npy": b""},
    "xyz of another type": {"xyz_npy": npy(np.zeros((64, 64, 3), dtype=np.float32))},
    "xyz of another size": {"xyz_npy": npy(np.zeros((32, 64, 3), dtype=np.float16))},
    "xyz of two columns": {"xyz_npy": npy(np.zeros((64, 64, 2), dtype=np.float16))},
    "xyz by columns": {"xyz_npy": npy(np.asfortranarray(np.zeros((64, 64, 3), dtype=np.float16)))},
    "xyz cut off": {"xyz_npy": view().xyz_npy[:-1]},
    "xyz with more behind it": {"xyz_npy": view().xyz_npy + b"x"},
    "no RGB": {"rgb_png": b"no PNG"},
    "RGB of another size": {"rgb_png": encode_rgb(np.zeros((32, 64, 3), dtype=np.uint8))},
    "no mask": {"mask_png": b""},
    "an empty mask": {"mask_png": encode_mask(np.zeros((64, 64), dtype=bool))},
    "a mask of three channels": {"mask_png": view().rgb_png},
}


@pytest.mark.parametrize("fault", BAD)
def test_files_that_are_no_template_are_refused(fault: str) -> None:
    with pytest.raises(ServiceError, match="view 7 that are not a template") as caught:
        check_files(dataclasses.replace(view(), **BAD[fault]))
    assert caught.value.code == "render_failed"


def test_views_are_checked_in_several_threads_at_once() -> None:
    """Reading .npy headers with numpy's own reader fails there now and then, in Python 3.11."""
    good = view()
    with ThreadPoolExecutor(8) as pool:
        for checked in [pool.submit(check_files, good) for _ in range(2000)]:
            checked.result()


def test_an_entry_says_what_was_sampled_and_survives_the_disk() -> None:
    entry = view_entry(view(), None)
    assert (entry["samples"], entry["estimated_error"], entry["error_bound"]) == (12, 0.835, 1.25)
    stored = json.loads(json.dumps(RenderedViews({7: entry}, {"blender": "4.5"}).to_json()))
    assert RenderedViews.from_json(stored).qualities() == {7: ViewQuality(12, 0.835, 1.25)}


def test_numbers_of_numpy_are_plain_in_an_entry() -> None:
    measured = ViewQuality(np.int64(12), np.float32(0.5), np.float64(1.25))  # type: ignore[arg-type]
    entry = view_entry(dataclasses.replace(view(), quality=measured), None)
    assert json.loads(json.dumps(entry))["estimated_error"] == 0.5 and quality_of(entry) == ViewQuality(12, 0.5, 1.25)


def test_where_no_error_is_estimated_the_entry_says_null() -> None:
    entry = view_entry(dataclasses.replace(view(), quality=ViewQuality(50)), None)
    assert entry["estimated_error"] is None and entry["error_bound"] is None and quality_of(entry) == ViewQuality(50)


def test_of_a_view_of_an_older_server_the_quality_is_not_known() -> None:
    entry = {"index": 3, "seconds": 0.5, "files": {}}
    assert quality_of(entry) is None and RenderedViews({3: entry}).qualities() == {}


@pytest.mark.parametrize("nonsense", [{"samples": "12"}, {"samples": None}, {"samples": 12, "estimated_error": "low"}])
def test_a_quality_that_is_no_number_is_refused(nonsense: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no numbers"):
        quality_of(nonsense)
