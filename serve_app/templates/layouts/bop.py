"""``bop``: the scene-wise format of BOP datasets; a scene is an object.

``<output_dir>/<%06d>/{rgb,depth}/<%06d>.png``, ``{mask,mask_visib}/<%06d>_000000.png``, ``scene_camera.json``, ``scene_gt.json`` and
``scene_gt_info.json``; ``output_dir`` is the folder of a split, such as ``train``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from render_actor.contract.file_kinds import FileKind
from serve_app.templates.file_forms import DEPTH_PNG, JSON, PNG, FileForm
from serve_app.templates.layouts.layout import Layout, ObjectView, RenderedObject


class Bop(Layout):
    """See the module."""

    name: ClassVar[str] = "bop"
    kinds: ClassVar[tuple[FileKind, ...]] = ("rgb", "depth", "mask")
    forms: ClassVar[Mapping[str, FileForm]] = {
        r"rgb/\d{6}\.png": PNG,
        r"depth/\d{6}\.png": DEPTH_PNG,
        r"mask(_visib)?/\d{6}_\d{6}\.png": PNG,
        r"scene_(camera|gt|gt_info)\.json": JSON,
    }

    def folder(self, object_id: int) -> str:
        """Six digits: the scene has its object's number."""
        return f"{object_id:06d}"

    def paths(self, kind: FileKind, view: int, views: int) -> tuple[str, ...]:
        """A sub-folder a kind; a mask goes into two, since nothing hides the object."""
        if kind == "mask":
            return f"mask/{view:06d}_000000.png", f"mask_visib/{view:06d}_000000.png"
        return (f"{kind}/{view:06d}.png",)

    def documents(self, rendered: RenderedObject) -> Mapping[str, bytes]:
        """The three files of a scene, a line a view."""

        def camera(view: ObjectView) -> Any:
            return {"cam_K": view.intrinsics.flatten().tolist(), "depth_scale": rendered.depth_scale}

        def pose(view: ObjectView) -> Any:
            rotation, translation = view.pose[:3, :3].flatten().tolist(), view.pose[:3, 3].tolist()
            return [{"cam_R_m2c": rotation, "cam_t_m2c": translation, "obj_id": rendered.object_id}]

        told = {"scene_camera.json": camera, "scene_gt.json": pose, "scene_gt_info.json": _info}
        return {name: _by_view(rendered, content) for name, content in told.items()}


def _info(view: ObjectView) -> list[dict[str, Any]]:
    left, top, right, bottom = view.mask_box
    # BOP's own tools take the last column less the first one for the width.
    box = [left, top, right - 1 - left, bottom - 1 - top]
    counts = {f"px_count_{which}": view.mask_pixels for which in ("all", "valid", "visib")}
    return [{"bbox_obj": box, "bbox_visib": box, **counts, "visib_fract": 1.0}]


def _by_view(rendered: RenderedObject, content: Callable[[ObjectView], Any]) -> bytes:
    """JSON object with a line for each view, under its index."""
    lines = (f' "{view.index}": {json.dumps(content(view))}' for view in rendered.views)
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()
