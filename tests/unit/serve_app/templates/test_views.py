from __future__ import annotations

import dataclasses
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from render_actor.contract.types import EncodedView
from render_actor.view.encoding import encode_mask, encode_rgb, encode_xyz
from serve_app.base.errors import ServiceError
from serve_app.templates.views import check_files


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def view() -> EncodedView:
    mask = np.zeros((64, 64), dtype=bool)
    mask[10:20, 30:40] = True
    xyz = np.full((64, 64, 3), -1, dtype=np.float16)
    return EncodedView(7, encode_rgb(np.zeros((64, 64, 3), dtype=np.uint8)), encode_mask(mask), encode_xyz(xyz), 0.5, 100)


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
