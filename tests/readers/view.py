"""What a pipeline has of a view when it has read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class ReadView:
    """A view of H x W pixels; None for what the pipeline does not read.

    Attributes:
        rgb: (H, W, 3) uint8.
        mask: (H, W) bool.
        box: (left, top, right, bottom), right and bottom exclusive.
        depth: (H, W) mm, 0 off the object.
        xyz: (H, W, 3) mm, -1 off the object.
        pose: (4, 4) object to camera, mm.
        intrinsics: (3, 3).
        depth_step: mm between two depths that a file can hold.
    """

    rgb: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    box: tuple[int, int, int, int]
    depth: NDArray[np.float64] | None = None
    xyz: NDArray[np.float64] | None = None
    pose: NDArray[np.float64] | None = None
    intrinsics: NDArray[np.float64] | None = None
    depth_step: float = 0.0

    def points(self) -> NDArray[np.float64]:
        """(P, 3) points of the object's surface, in its own frame: by xyz, or by depth, matrix and pose."""
        if self.xyz is not None:
            return self.xyz[self.mask]
        assert self.depth is not None and self.pose is not None and self.intrinsics is not None
        rows, columns = np.nonzero(self.mask)
        pixels = np.stack([columns, rows, np.ones_like(rows)]).astype(np.float64)
        in_camera = np.linalg.inv(self.intrinsics) @ pixels * self.depth[rows, columns]
        rotation, translation = self.pose[:3, :3], self.pose[:3, 3:]
        return np.asarray((rotation.T @ (in_camera - translation)).T)

    def footprint(self) -> NDArray[np.float64]:
        """(P,) mm between the rays of neighbouring pixels, at their depths."""
        assert self.depth is not None and self.intrinsics is not None
        return np.asarray(self.depth[self.mask] / self.intrinsics[[0, 1], [0, 1]].min())


def pixels_of(path: Path, mode: str) -> NDArray[Any]:
    """The pixels of a PNG, which must have a mode of Pillow's."""
    with Image.open(path) as image:
        assert image.format == "PNG" and image.mode == mode, (path, image.format, image.mode)
        return np.array(image)


def box_of(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the pixels that are set, right and bottom exclusive."""
    rows, columns = np.nonzero(mask)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def rgba_view(path: Path, **more: Any) -> ReadView:
    """The view of an RGBA image.

    Readers take ``Image.getbbox()`` for the box: of all four channels with older releases of Pillow, of alpha alone with newer ones.
    """
    pixels = pixels_of(path, "RGBA")
    with Image.open(path) as image:
        box = image.getbbox()
    assert box == box_of(pixels.any(axis=-1)), f"{path}: a colour where alpha is 0"
    alpha = pixels[..., 3]
    assert set(np.unique(alpha)) <= {0, 255}
    return ReadView(pixels[..., :3], alpha == 255, box, **more)
