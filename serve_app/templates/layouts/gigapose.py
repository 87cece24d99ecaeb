"""``gigapose``: GigaPose and PicoPose.

``<output_dir>/<%06d>/<%06d>.png`` (RGBA) and ``<%06d>_depth.png`` (mm), with nothing else in an object's folder, and
``<output_dir>/object_poses/<%06d>.npy``, (N, 4, 4) m2c in mm. The readers take the pinhole matrix and the size of the images for granted.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import numpy as np

from render_actor.contract.file_kinds import FileKind
from serve_app.templates.file_forms import DEPTH_PNG, POSES_NPY, RGBA_PNG, FileForm
from serve_app.templates.layouts.layout import Cameras, Layout, Refusal, RenderedObject

_POSES = "object_poses"
_PINHOLE = (572.4114, 573.57043, 320.0, 240.0)
_SIZE = (640, 480)


class Gigapose(Layout):
    """See the module."""

    name: ClassVar[str] = "gigapose"
    kinds: ClassVar[tuple[FileKind, ...]] = ("rgba", "depth")
    depth_scale: ClassVar[float | None] = 1.0
    manifest_inside: ClassVar[bool] = False
    forms: ClassVar[Mapping[str, FileForm]] = {r"\d{6}\.png": RGBA_PNG, r"\d{6}_depth\.png": DEPTH_PNG}
    beside_forms: ClassVar[Mapping[str, FileForm]] = {rf"{_POSES}/\d{{6}}\.npy": POSES_NPY}
    request_defaults: ClassVar[Mapping[str, Any]] = {
        "level": 1,
        "camera": {
            "K": dict(zip(("fx", "fy", "cx", "cy"), _PINHOLE, strict=True)),
            "width": _SIZE[0],
            "height": _SIZE[1],
            "distance_mm": 400.0,
        },
    }

    def folder(self, object_id: int) -> str:
        """Six digits."""
        return f"{object_id:06d}"

    def paths(self, kind: FileKind, view: int, views: int) -> tuple[str, ...]:
        """The index, and ``_depth`` behind it."""
        return (f"{view:06d}.png" if kind == "rgba" else f"{view:06d}_depth.png",)

    def beside(self, rendered: RenderedObject) -> Mapping[str, bytes]:
        """The poses of an object's views."""
        poses = io.BytesIO()
        np.save(poses, np.stack([view.pose for view in rendered.views]), allow_pickle=False)
        return {path: poses.getvalue() for path in self.paths_beside(rendered.object_id)}

    def paths_beside(self, object_id: int) -> tuple[str, ...]:
        """Six digits."""
        return (f"{_POSES}/{object_id:06d}.npy",)

    def refusal(self, cameras: Cameras) -> Refusal | None:
        """Any other camera's depth would be read with a wrong matrix."""
        if cameras.pinhole == _PINHOLE and cameras.size == _SIZE:
            return None
        fx, fy, cx, cy = _PINHOLE
        return Refusal(
            f"layout gigapose has one camera, which its readers take for granted: fx {fx:g}, fy {fy:g}, cx {cx:g}, cy {cy:g}, "
            f"{_SIZE[0]} x {_SIZE[1]} pixels; leave out resolution, camera.K and camera.crop",
            "layout",
        )

    def is_told_by(self, paths: Collection[str]) -> bool:
        """Images numbered from 0, each with its depth, and nothing else: nobody keeps photographs so."""
        images = {path for path in paths if re.fullmatch(r"\d{6}\.png", path)}
        expected = {f"{view:06d}{end}" for view in range(len(images)) for end in (".png", "_depth.png")}
        return bool(images) and set(paths) == expected
