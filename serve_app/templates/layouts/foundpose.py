"""``foundpose``: FoundPose.

``<output_dir>/<object id>/{rgb,depth,mask}/template_<%04d>.png`` and ``metadata.json``, a list in order of the templates. Images are RGB
on black, depth is in mm, and the object's frame is the world's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from render_actor.contract.file_kinds import FileKind
from serve_app.templates.file_forms import DEPTH_PNG, JSON, PNG, FileForm
from serve_app.templates.layouts.layout import Layout, ObjectView, RenderedObject

_FOLDERS: Mapping[FileKind, str] = {"masked": "rgb", "depth": "depth", "mask": "mask"}


class Foundpose(Layout):
    """See the module."""

    name: ClassVar[str] = "foundpose"
    kinds: ClassVar[tuple[FileKind, ...]] = tuple(_FOLDERS)
    depth_scale: ClassVar[float | None] = 1.0
    forms: ClassVar[Mapping[str, FileForm]] = {
        r"(rgb|mask)/template_\d{4}\.png": PNG,
        r"depth/template_\d{4}\.png": DEPTH_PNG,
        r"metadata\.json": JSON,
    }
    request_defaults: ClassVar[Mapping[str, Any]] = {
        "camera": {"crop": {"size": 420, "pad": 0.2}, "poses": {"viewpoints": {"fibonacci": 57, "in_plane": 14}}}
    }

    def folder(self, object_id: int) -> str:
        """The number as it is."""
        return str(object_id)

    def paths(self, kind: FileKind, view: int, views: int) -> tuple[str, ...]:
        """A sub-folder a kind."""
        return (f"{_FOLDERS[kind]}/template_{view:04d}.png",)

    def documents(self, rendered: RenderedObject) -> Mapping[str, bytes]:
        """``metadata.json``, a line a template."""
        lines = (json.dumps(self._entry(rendered, view)) for view in rendered.views)
        return {"metadata.json": ("[\n" + ",\n".join(lines) + "\n]\n").encode()}

    def _entry(self, rendered: RenderedObject, view: ObjectView) -> dict[str, Any]:
        rgb, depth, mask = (f"{rendered.place}/{self.paths(kind, view.index, len(rendered.views))[0]}" for kind in self.kinds)
        (fx, _, cx), (_, fy, cy), _ = view.intrinsics.tolist()
        return {
            "dataset": rendered.dataset,
            "lid": rendered.object_id,
            "template_id": view.index,
            # The reader assigns t to a column of a matrix, so it must be one.
            "pose": {"R": np.eye(3).tolist(), "t": [[0.0], [0.0], [0.0]]},
            "boxes_amodal": [[float(side) for side in view.mask_box]],
            "visibilities": [1.0],
            "cameras": {
                "ImageSizeX": view.width,
                "ImageSizeY": view.height,
                "T_WorldFromCamera": np.linalg.inv(view.pose).tolist(),
                "ModelViewMatrix": view.pose.tolist(),
                "fx": fx,
                "fy": fy,
                "cx": cx,
                "cy": cy,
            },
            "rgb_image_path": rgb,
            "depth_map_path": depth,
            "binary_mask_path": mask,
        }
