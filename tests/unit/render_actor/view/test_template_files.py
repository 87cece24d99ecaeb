from __future__ import annotations

import dataclasses
import io
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from render_actor.contract.file_kinds import KINDS, TEMPLATE_KINDS, FileKind, WantedFiles
from render_actor.view.encoding import encode_png, encode_xyz, mask_pixels
from render_actor.view.surface_maps import SurfaceMaps
from render_actor.view.template_files import NoTemplateError, ViewFiles, check_files, template_files
from render_actor.view.traced import TracedView
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
    "RGB of another size": {"rgb": encode_png(VIEW.rgb[1:])},
    "another image": {"rgb": encode_png(VIEW.rgb[::-1])},
    "no mask": {"mask": b""},
    "another mask": {"mask": encode_png(mask_pixels(~VIEW.mask))},
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


def with_surface() -> TracedView:
    depth = np.where(VIEW.mask, np.float32(412.34), np.float32(0))
    normals = np.zeros((*VIEW.mask.shape, 3), dtype=np.float32)
    normals[VIEW.mask] = 0.28, 0.0, -0.96
    return dataclasses.replace(VIEW, surface=SurfaceMaps(depth, normals))


def pixels(data: bytes) -> NDArray[Any]:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_each_kind_holds_what_it_is_said_to() -> None:
    files = template_files(with_surface(), WantedFiles(KINDS, depth_scale=0.1))
    mask = VIEW.mask
    assert tuple(files) == KINDS and all(files[kind] == FILES[kind] for kind in TEMPLATE_KINDS)
    depth, normals, rgba, masked = (pixels(files[kind]) for kind in ("depth", "normals", "rgba", "masked"))
    assert (depth[mask] == 4123).all() and (depth[~mask] == 0).all() and depth.max() > 255
    assert (normals[mask] == (163, 128, 5)).all() and (normals[~mask] == 0).all() and normals.dtype == np.uint8
    assert np.array_equal(rgba[mask][:, :3], VIEW.rgb[mask]) and (rgba[mask][:, 3] == 255).all() and (rgba[~mask] == 0).all()
    assert np.array_equal(masked, rgba[..., :3])


def test_only_what_is_wanted_is_made() -> None:
    assert tuple(template_files(VIEW, WantedFiles(("rgba",)))) == ("rgba",)


@pytest.mark.parametrize("kind", ["depth", "normals"])
def test_what_was_not_traced_cannot_be_had(kind: FileKind) -> None:
    with pytest.raises(NoTemplateError, match="traced"):
        template_files(VIEW, WantedFiles((kind,)))


@pytest.mark.parametrize("scale", [1000.0, 0.001])
def test_a_depth_that_no_file_holds_is_refused(scale: float) -> None:
    with pytest.raises(NoTemplateError, match="1 to 65535"):
        template_files(with_surface(), WantedFiles(("depth",), scale))


@pytest.mark.parametrize("kind", ["depth", "normals", "rgba", "masked"])
def test_a_file_of_another_view_is_refused(kind: FileKind) -> None:
    wanted = WantedFiles((kind,))
    other = dataclasses.replace(with_surface(), mask=np.roll(VIEW.mask, 1, axis=0))
    files = template_files(dataclasses.replace(other, surface=SurfaceMaps(*(np.roll(a, 1, axis=0) for a in surface_arrays()))), wanted)
    with pytest.raises(NoTemplateError, match=f"the {kind} file"):
        check_files(files, with_surface(), wanted)


def surface_arrays() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    surface = with_surface().surface
    assert surface is not None
    return surface.depth, surface.normals
