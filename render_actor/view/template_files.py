"""Makes the three files of a traced view, and sees that a consumer will read in them what was traced."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.contract.xyz_file import xyz_header
from render_actor.view.encoding import encode_mask, encode_rgb, encode_xyz
from render_actor.view.traced import TracedView


class TemplateFiles(NamedTuple):
    """The encoded files of one view."""

    rgb_png: bytes
    mask_png: bytes
    xyz_npy: bytes


class NoTemplateError(Exception):
    """The files of a view are not what a consumer needs; the message says what is wrong."""


def template_files(view: TracedView) -> TemplateFiles:
    """Encode a view, and check what came of it.

    Raises:
        NoTemplateError: a file does not hold what was traced.
    """
    files = TemplateFiles(encode_rgb(view.rgb), encode_mask(view.mask), encode_xyz(view.xyz))
    check_files(files, view)
    return files


def check_files(files: TemplateFiles, view: TracedView) -> None:
    """See that files hold what was traced.

    Raises:
        NoTemplateError: one does not decode to it, the three differ in size, or the mask is empty.
    """
    height, width = view.mask.shape
    rgb, mask = _image(files.rgb_png), _image(files.mask_png)
    if rgb is None or rgb.shape != (height, width, 3) or not np.array_equal(rgb[..., ::-1], view.rgb):
        raise NoTemplateError("the RGB file does not decode to the image")
    if not view.mask.any():
        raise NoTemplateError("the mask is empty")
    if mask is None or not np.array_equal(mask, np.where(view.mask, np.uint8(255), np.uint8(0))):
        raise NoTemplateError("the mask file does not decode to the mask")
    if view.xyz.shape != (height, width, 3) or view.xyz.dtype != np.float16:
        raise NoTemplateError(f"the coordinates are {view.xyz.dtype} of shape {view.xyz.shape}")
    if files.xyz_npy != xyz_header(height, width) + view.xyz.tobytes():
        raise NoTemplateError("the xyz file does not hold the coordinates")


def _image(data: bytes) -> NDArray[np.uint8] | None:
    image: NDArray[np.uint8] | None = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    return image
