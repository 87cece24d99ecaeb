"""``cnos``: CNOS, NIDS-Net, and SAM-6D's ISM for BOP datasets.

``<output_dir>/obj_<%06d>/<%06d>.png``, RGBA. The numbers are those of the 642 cameras of level 2, also of fewer views; for a CAD of one's
own every PNG of the folder is read. Box and mask come from the pixels; no pose is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from render_actor.contract.file_kinds import FileKind
from serve_app.templates.file_forms import RGBA_PNG, FileForm
from serve_app.templates.layouts.layout import Cameras, Layout, Refusal
from serve_app.templates.layouts.level_indices import LEVELS, indices_in_level_2


class Cnos(Layout):
    """See the module."""

    name: ClassVar[str] = "cnos"
    kinds: ClassVar[tuple[FileKind, ...]] = ("rgba",)
    forms: ClassVar[Mapping[str, FileForm]] = {r"\d{6}\.png": RGBA_PNG}
    request_defaults: ClassVar[Mapping[str, Any]] = {
        "camera": {
            "K": {"fx": 572.4114, "fy": 573.57043, "cx": 325.2611, "cy": 242.04899},
            "width": 640,
            "height": 480,
            "distance_mm": 400.0,
        }
    }

    def folder(self, object_id: int) -> str:
        """``obj_`` and six digits."""
        return f"obj_{object_id:06d}"

    def paths(self, kind: FileKind, view: int, views: int) -> tuple[str, ...]:
        """The camera's index in level 2."""
        return (f"{indices_in_level_2(LEVELS[views])[view]:06d}.png",)

    def refusal(self, cameras: Cameras) -> Refusal | None:
        """Only cameras of the levels have a number in level 2."""
        if cameras.listed:
            return None
        return Refusal(
            "layout cnos needs the cameras of level 0, 1 or 2: its files are numbered by the 642 cameras of level 2; give level, or use "
            "another layout",
            "layout",
        )
