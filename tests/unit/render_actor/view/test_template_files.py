from __future__ import annotations

import dataclasses
import io
from typing import Any, cast

import numpy as np
import pytest

from render_actor.view.encoding import encode_mask, encode_rgb, encode_xyz
from render_actor.view.template_files import NoTemplateError, ViewFiles, check_files, template_files
from tests.unit.render_actor.view.traced_views import traced_view


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


VIEW = traced_view()
FILES = template_files(VIEW)

BAD: dict[str, dict[str, Any]] = {
    "no xyz": {"xyz": b""},
    "xyz of another type": {"xyz": npy(VIEW.xyz.astype(np.float32))},
    "xyz of another size": {"xyz": npy(VIEW.xyz[1:])},
    "xyz of two columns": {"xyz": npy(VIEW.xyz[..., :2])},
    "xyz by columns": {"xyz": npy(np.asfortranarray(VIEW.xyz))},
    "xyz cut off": {"xyz": FILES["xyz"][:-1]},
    "xyz with more behind it": {"xyz": FILES["xyz"] + b"x"},
    "other coordinates": {"xyz": encode_xyz(VIEW.xyz + np.float16(1))},
    "no RGB": {"rgb": b"no PNG"},
    "RGB cut off": {"rgb": FILES["rgb"][:-40]},
    "RGB of another size": {"rgb": encode_rgb(VIEW.rgb[1:])},
    "another image": {"rgb": encode_rgb(VIEW.rgb[::-1])},
    "no mask": {"mask": b""},
    "another mask": {"mask": encode_mask(~VIEW.mask)},
    "a mask of three channels": {"mask": FILES["rgb"]},
}


def test_files_of_a_view_are_what_was_traced() -> None:
    check_files(FILES, VIEW)


@pytest.mark.parametrize("fault", BAD)
def test_files_that_hold_something_else_are_refused(fault: str) -> None:
    with pytest.raises(NoTemplateError):
        check_files(cast(ViewFiles, {**FILES, **BAD[fault]}), VIEW)


@pytest.mark.parametrize(
    "odd",
    [
        {"mask": np.zeros((32, 32), dtype=bool)},
        {"rgb": VIEW.rgb[1:]},
        {"xyz": VIEW.xyz[1:]},
        {"xyz": VIEW.xyz.astype(np.float32)},
    ],
)
def test_a_view_whose_arrays_make_no_template_is_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(NoTemplateError):
        template_files(dataclasses.replace(VIEW, **odd))
