"""``sam6d``: SAM-6D's own arrangement, which ISM and PEM read; the default.

``<output_dir>/templates/{rgb,mask}_<i>.png, xyz_<i>.npy``. What a request's ``outputs`` add lies in ``extra/`` below it: ISM counts
``*.npy`` and some flows take every ``*.png`` of the folder, and none of them looks into a sub-folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import ClassVar

from render_actor.contract.file_kinds import ENDINGS, TEMPLATE_KINDS, FileKind
from serve_app.templates.file_forms import MODEL_PLY, PNG, POSES_FORM, XYZ_NPY, FileForm
from serve_app.templates.layouts.layout import Layout, Output, RenderedObject

MODEL = "model_mm.ply"
"""The mesh that was rendered: beside ``templates``, or in the folder where that is ``output_dir`` itself."""

EXTRA = "extra"
"""The sub-folder for what ``outputs`` add."""

POSES = f"{EXTRA}/poses.json"

_FORMAT = 1
_CONVENTION = "object to camera (m2c), OpenCV axes, mm"


class Sam6d(Layout):
    """See the module."""

    name: ClassVar[str] = "sam6d"
    kinds: ClassVar[tuple[FileKind, ...]] = TEMPLATE_KINDS
    outputs: ClassVar[frozenset[Output]] = frozenset(("depth", "normals", "rgba", "poses", "mesh"))
    forms: ClassVar[Mapping[str, FileForm]] = {
        r"(rgb|mask)_\d+\.png": PNG,
        r"xyz_\d+\.npy": XYZ_NPY,
        rf"{EXTRA}/(depth|normals|rgba)_\d+\.png": PNG,
        rf"{EXTRA}/poses\.json": POSES_FORM,
        re.escape(MODEL): MODEL_PLY,
    }

    def folder(self, object_id: int) -> str:
        """``templates``, whatever the object is called."""
        return "templates"

    def paths(self, kind: FileKind, view: int, views: int) -> tuple[str, ...]:
        """The kind and the index, flat or in ``extra``."""
        name = f"{kind}_{view}.{ENDINGS[kind]}"
        return (name if kind in TEMPLATE_KINDS else f"{EXTRA}/{name}",)

    def documents(self, rendered: RenderedObject) -> Mapping[str, bytes]:
        """``extra/poses.json`` where it is asked for."""
        return {POSES: _poses_json(rendered)} if "poses" in rendered.outputs else {}

    def is_told_by(self, paths: Collection[str]) -> bool:
        """No other folder has such names; an older server, and the stock script, left no manifest."""
        return True


def _poses_json(rendered: RenderedObject) -> bytes:
    """Pose and intrinsics of each view, a line each, and what a depth file's unit is where there are any."""
    views = [
        {
            "index": view.index,
            "m2c": view.pose.tolist(),
            "K": view.intrinsics.tolist(),
            "width": view.width,
            "height": view.height,
            "mask_box": list(view.mask_box),
            "mask_pixels": view.mask_pixels,
        }
        for view in rendered.views
    ]
    head = {"format": _FORMAT, "poses": _CONVENTION, "depth_scale_mm": rendered.depth_scale if "depth" in rendered.outputs else None}
    lines = ",\n  ".join(map(json.dumps, views))
    return f'{json.dumps(head)[:-1]},\n "views": [\n  {lines}\n ]}}\n'.encode()
