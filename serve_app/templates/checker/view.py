"""The three files of one view."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from render_actor.contract.view_files import file_names
from serve_app.templates.checker.finding import Finding

BACKGROUND = -1.0
"""Each coordinate of an xyz pixel off the object."""

MIN_OBJECT_BRIGHTNESS = 8.0
"""Mean of the object's pixels, of 255, below which it counts as black."""

MAX_BACKGROUND_SHARE = 0.01
"""Share of the mask's pixels that may hold exactly the background's coordinates: a point of the surface may lie there."""


@dataclass(frozen=True)
class _Form:
    """What a file must hold: ``channels`` a pixel (None: no such axis) of ``dtype``; else a consumer does ``consequence``."""

    text: str
    channels: int | None
    dtype: type[np.generic]
    consequence: str

    def fits(self, array: NDArray[Any]) -> bool:
        rest = () if self.channels is None else (self.channels,)
        return array.dtype == self.dtype and array.shape[2:] == rest


_RGB = _Form("H x W x 3 uint8", 3, np.uint8, "PEM normalises three channels and stops")
_MASK = _Form("H x W uint8", None, np.uint8, "PEM wants one channel of 8 bits and stops")
_XYZ = _Form("H x W x 3 float16", 3, np.float16, "PEM reads three 16-bit coordinates a pixel")


def read_image(path: Path) -> NDArray[Any]:
    """Pixels of an image as they are stored: (H, W) or (H, W, C), nothing converted.

    Raises:
        OSError, SyntaxError: it is no image.
        ValueError: its pixels are indices into a palette.
    """
    with Image.open(path) as image:
        if image.mode == "P":
            raise ValueError("its pixels are indices into a palette")
        return np.asarray(image)


def read_xyz(path: Path) -> NDArray[Any]:
    """Array of an ``.npy`` file; its header is held against the file's size before memory is taken.

    Raises:
        OSError, ValueError, EOFError: it is no such file, or holds objects.
    """
    return np.array(np.load(path, mmap_mode="r", allow_pickle=False))


def check_view(folder: Path, index: int, bounds: NDArray[Any] | None, sizes: dict[tuple[int, ...], str]) -> list[Finding]:
    """Check the files of a view, which are there.

    Args:
        folder: of the files.
        index: of the view.
        bounds: (2, 3) lowest and highest corner of the CAD in mm, or None.
        sizes: takes (H, W) of the files, each with the first file of that size.
    """
    rgb_name, mask_name, xyz_name = file_names(index)
    findings: list[Finding] = []
    rgb = _read(findings, folder / rgb_name, _RGB)
    mask = _read(findings, folder / mask_name, _MASK)
    xyz = _read(findings, folder / xyz_name, _XYZ)
    for name, array in ((rgb_name, rgb), (mask_name, mask), (xyz_name, xyz)):
        if array is not None:
            sizes.setdefault(array.shape[:2], name)
    if mask is None:
        return findings
    findings += [Finding(mask_name, *fault) for fault in _mask_faults(mask)]
    if not mask.any():
        return findings
    if rgb is not None and rgb.shape[:2] == mask.shape and (brightness := float(rgb[mask > 0].mean())) < MIN_OBJECT_BRIGHTNESS:
        findings.append(Finding(rgb_name, f"the object is black (mean {brightness:.1f} of 255)", "ISM and PEM find nothing to match"))
    if xyz is not None and xyz.shape[:2] == mask.shape:
        findings += [Finding(xyz_name, *fault) for fault in _xyz_faults(xyz.astype(np.float32), mask > 0, bounds)]
    return findings


def _read(findings: list[Finding], path: Path, form: _Form) -> NDArray[Any] | None:
    """Content of a file; None, with a finding, where it cannot be read or has another form."""
    try:
        array = read_xyz(path) if path.suffix == ".npy" else read_image(path)
    except (OSError, ValueError, EOFError, SyntaxError, Image.DecompressionBombError) as error:
        findings.append(Finding(path.name, f"cannot be read: {error}", "a consumer stops at it"))
        return None
    if not form.fits(array):
        shape = " x ".join(map(str, array.shape))
        findings.append(Finding(path.name, f"holds {shape} {array.dtype} instead of {form.text}", form.consequence))
        return None
    return array


def _mask_faults(mask: NDArray[np.uint8]) -> list[tuple[str, str]]:
    """Problem and consequence of each fault of an (H, W) mask."""
    if not mask.any():
        return [("empty", "ISM crops to its bounding box, gets None and stops")]
    faults = []
    other = [value for value in np.unique(mask).tolist() if value not in (0, 255)]
    if other:
        faults.append((f"holds {other[:5]} beside 0 and 255", "PEM takes 255 alone for the object and loses these pixels"))
    if mask[[0, -1]].any() or mask[:, [0, -1]].any():
        faults.append(("touches the border of the image", "the object is cut off: ISM and PEM match a part of it"))
    return faults


def _xyz_faults(xyz: NDArray[np.float32], mask: NDArray[np.bool_], bounds: NDArray[Any] | None) -> list[tuple[str, str]]:
    """Problem and consequence of each fault of (H, W, 3) coordinates, given the (H, W) mask and (2, 3) bounds."""
    faults = []
    background = (xyz == BACKGROUND).all(axis=-1)
    if strays := int((~background & ~mask).sum()):
        faults.append((f"{strays} pixels off the mask are not {BACKGROUND:g}", "they read as points of the object"))
    unset = int((background & mask).sum())
    if unset > MAX_BACKGROUND_SHARE * mask.sum():
        problem = f"{unset} of the mask's {mask.sum()} pixels hold the background's {BACKGROUND:g}"
        faults.append((problem, "PEM takes them for the object's point (-1, -1, -1)"))
    inside = xyz[mask]
    if not np.isfinite(inside).all():
        broken = int((~np.isfinite(inside)).any(axis=-1).sum())
        faults.append((f"{broken} of the mask's pixels are not finite", "PEM samples them as points, and the pose is NaN"))
    elif bounds is not None:
        low, high = inside.min(axis=0), inside.max(axis=0)
        # A hundredth of the extent, and at least the last bit of float16.
        slack = np.maximum(0.01 * (bounds[1] - bounds[0]), np.abs(bounds).max() * 2**-10)
        if (low < bounds[0] - slack).any() or (high > bounds[1] + slack).any():
            problem = f"reaches from {_point(low)} to {_point(high)}, the CAD from {_point(bounds[0])} to {_point(bounds[1])} mm"
            faults.append((problem, "PEM poses an object of another size or place; a CAD in metres needs --unit m"))
    return faults


def _point(coordinates: NDArray[Any]) -> str:
    return f"({', '.join(f'{value:.4g}' for value in coordinates)})"
