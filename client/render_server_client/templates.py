"""Templates as numpy arrays."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from render_server_client.errors import FilesError
from render_server_client.sheet import Kind, contact_sheet, png_of
from render_server_client.view_files import FolderSource, Source, View, manifest, read_view, view_count

_SHEET_VIEWS = 42
"""A notebook shows so many: of 642 nobody would see anything."""


@dataclass(frozen=True, repr=False)
class Templates:
    """What SAM-6D reads of a CAD, one row a view. Axes are OpenCV's: x right, y down, z forward.

    Attributes:
        rgb: (N, H, W, 3) uint8.
        mask: (N, H, W) bool.
        xyz: (N, H, W, 3) float32: the point of the CAD that a pixel shows, mm in the CAD's frame; -1 beside the object.
        depth: (N, H, W) float32: distance along the viewing axis in mm; 0 beside the object.
        poses: (N, 4, 4) float64: CAD to camera, translations in mm. A point p of the CAD is seen at ``poses[i] @ p``.
        K: (N, 3, 3) float64: pinhole matrices in pixels; (0, 0) is the centre of the first pixel.
        views: indices of the views.
        manifest: the job's ``manifest.json``.
    """

    rgb: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    xyz: NDArray[np.float32]
    depth: NDArray[np.float32]
    poses: NDArray[np.float64]
    K: NDArray[np.float64]
    views: tuple[int, ...]
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: str | Path, views: Sequence[int] | None = None) -> Templates:
        """Templates in a folder of this machine.

        Args:
            folder: of templates in SAM-6D's own layout, or the output_dir that holds one.
            views: indices of those that are wanted; None reads all.

        Raises:
            FilesError: the folder holds none, or one is missing or damaged.
        """
        return cls.from_source(FolderSource(Path(folder).expanduser()), views)

    @classmethod
    def from_source(cls, source: Source, views: Sequence[int] | None = None) -> Templates:
        """The same, wherever the files lie."""
        count, told = view_count(source), manifest(source)
        wanted = tuple(range(count)) if views is None else tuple(views)
        unknown = [view for view in wanted if not 0 <= view < count]
        if unknown or not wanted:
            raise FilesError(f"there are views 0 to {count - 1}, not {unknown or 'none'}; name some of them")
        poses, intrinsics = _cameras(told, count)
        read = [read_view(source, view) for view in wanted]
        if len({view.rgb.shape for view in read}) > 1:
            raise FilesError("the views are of different sizes; render the CAD again")
        rgb, mask = np.stack([view.rgb for view in read]), np.stack([view.mask for view in read])
        xyz = np.stack([view.xyz for view in read])
        poses, intrinsics = poses[list(wanted)], intrinsics[list(wanted)]
        return cls(rgb, mask, xyz, _depth(xyz, mask, poses), poses, intrinsics, wanted, told)

    def __len__(self) -> int:
        """How many views there are."""
        return len(self.views)

    def __repr__(self) -> str:
        """What it is, without the arrays."""
        return f"Templates({self._told()})"

    def _told(self) -> str:
        height, width = self.mask.shape[1:]
        name = (self.manifest.get("cad") or {}).get("name", "a CAD")
        return f"{len(self)} views of {name}, {width} x {height}"

    def view(self, number: int) -> View:
        """One view, by its row in the arrays."""
        return View(self.rgb[number], self.mask[number], self.xyz[number])

    def contact_sheet(self, kinds: Sequence[Kind] = ("rgb",), columns: int = 7, size: int = 128) -> Image.Image:
        """A picture of all views; see ``render_server_client.sheet.contact_sheet``."""
        return contact_sheet(self.view, len(self), kinds, columns, size)

    def _repr_png_(self) -> bytes:
        """What a notebook shows."""
        return png_of(contact_sheet(self.view, min(len(self), _SHEET_VIEWS), ("rgb",), size=96))

    def _repr_html_(self) -> str:
        """The same with a line of text."""
        more = f" (the first {_SHEET_VIEWS} are shown)" if len(self) > _SHEET_VIEWS else ""
        picture = base64.b64encode(self._repr_png_()).decode()
        return f'<figure><img src="data:image/png;base64,{picture}"><figcaption>{html.escape(self._told())}{more}</figcaption></figure>'


def _cameras(told: Mapping[str, Any], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(count, 4, 4) poses and (count, 3, 3) pinhole matrices of all views."""
    try:
        poses = np.array(told["model_to_camera_mm"], dtype=np.float64)
        shared = told.get("intrinsics")
        intrinsics = np.array(told["intrinsics_of_views"] if shared is None else [shared] * count, dtype=np.float64)
    except (KeyError, ValueError, TypeError) as error:
        raise FilesError("the manifest tells no cameras: these templates are of an older server; render the CAD again") from error
    if poses.shape != (count, 4, 4) or intrinsics.shape != (count, 3, 3):
        raise FilesError(f"the manifest tells {poses.shape} poses and {intrinsics.shape} matrices for {count} views; render the CAD again")
    return poses, intrinsics


def _depth(xyz: NDArray[np.float32], mask: NDArray[np.bool_], poses: NDArray[np.float64]) -> NDArray[np.float32]:
    """(N, H, W) z in the camera's frame of the points that are seen."""
    rows = poses[:, 2, :].astype(np.float32)
    depth = np.einsum("nhwc,nc->nhw", xyz, rows[:, :3]) + rows[:, 3, None, None]
    return np.where(mask, depth, np.float32(0))
