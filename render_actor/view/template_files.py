"""Makes the files of a traced view, and sees that a consumer will read in them what was traced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.contract.file_kinds import TEMPLATE, FileKind, WantedFiles
from render_actor.contract.xyz_file import xyz_header
from render_actor.view.encoding import depth_pixels, encode_png, encode_xyz, mask_pixels, normal_pixels, rgba_pixels
from render_actor.view.traced import TracedView

ViewFiles = Mapping[FileKind, bytes]
"""The encoded files of one view by kind, in the order in which they are wanted."""


class NoTemplateError(Exception):
    """The files of a view are not what a consumer needs; the message says what is wrong."""


def template_files(view: TracedView, wanted: WantedFiles = TEMPLATE) -> ViewFiles:
    """Encode a view, and check what came of it.

    Args:
        view: with its surface, where a file is made of that.
        wanted: which files.

    Raises:
        NoTemplateError: a file does not hold what was traced.
    """
    _check_arrays(view, wanted)
    files = {kind: encode_xyz(view.xyz) if kind == "xyz" else encode_png(_pixels(kind, view, wanted)) for kind in wanted.kinds}
    _check_files(files, view, wanted)
    return files


def check_files(files: ViewFiles, view: TracedView, wanted: WantedFiles = TEMPLATE) -> None:
    """See that files hold what was traced.

    Raises:
        NoTemplateError: one does not decode to it, they differ in size, or the mask is empty.
    """
    _check_arrays(view, wanted)
    _check_files(files, view, wanted)


def _check_arrays(view: TracedView, wanted: WantedFiles) -> None:
    height, width = view.mask.shape
    if view.rgb.shape != (height, width, 3) or view.rgb.dtype != np.uint8:
        raise NoTemplateError(f"the image is {view.rgb.dtype} of shape {view.rgb.shape}")
    if not view.mask.any():
        raise NoTemplateError("the mask is empty")
    if view.xyz.shape != (height, width, 3) or view.xyz.dtype != np.float16:
        raise NoTemplateError(f"the coordinates are {view.xyz.dtype} of shape {view.xyz.shape}")
    if view.surface is None:
        if wanted.of_rays:
            raise NoTemplateError("neither depth nor normals were traced")
    elif "depth" in wanted.kinds:
        steps = view.surface.depth[view.mask] / wanted.depth_scale
        if not (steps.min() >= 0.5 and steps.max() < 65535.5):
            reach = f"{steps.min():g} to {steps.max():g} steps of {wanted.depth_scale:g} mm"
            raise NoTemplateError(f"depth is {reach}, and a file holds 1 to 65535")


def _check_files(files: ViewFiles, view: TracedView, wanted: WantedFiles) -> None:
    for kind in wanted.kinds:
        if kind == "xyz":
            good = files[kind] == xyz_header(*view.mask.shape) + view.xyz.tobytes()
        else:
            good = _decodes_to(files[kind], _pixels(kind, view, wanted))
        if not good:
            raise NoTemplateError(f"the {kind} file does not hold what was traced")


def _pixels(kind: FileKind, view: TracedView, wanted: WantedFiles) -> NDArray[Any]:
    """What a PNG file holds: (H, W) or (H, W, C), red first."""
    if kind == "rgb":
        return view.rgb
    if kind == "mask":
        return mask_pixels(view.mask)
    if kind == "rgba":
        return rgba_pixels(view.rgb, view.mask)
    if kind == "masked":
        return rgba_pixels(view.rgb, view.mask)[..., :3]
    assert view.surface is not None
    if kind == "depth":
        return depth_pixels(view.surface.depth, wanted.depth_scale)
    return normal_pixels(view.surface.normals, view.mask)


def _decodes_to(data: bytes, pixels: NDArray[Any]) -> bool:
    image: NDArray[Any] | None = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    if image is None or image.dtype != pixels.dtype or image.shape != pixels.shape:
        return False
    colours = image if image.ndim == 2 else image[..., [2, 1, 0, 3][: image.shape[2]]]
    return np.array_equal(colours, pixels)
