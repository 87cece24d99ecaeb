"""``sam6d-bop``: SAM-6D's flow for BOP datasets.

``<output_dir>/obj_<%06d>/{rgb,mask}_<i>.png, xyz_<i>.npy``, with nothing else in an object's folder, and nothing else than objects beside
it: PEM pairs the sorted folders with the sorted CADs of the dataset.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from render_actor.contract.file_kinds import ENDINGS, TEMPLATE_KINDS, FileKind
from serve_app.templates.file_forms import PNG, XYZ_NPY, FileForm
from serve_app.templates.layouts.layout import Layout


class Sam6dBop(Layout):
    """See the module. The stock script scales by 1 / diameter, which is the same as cameras two diameters away."""

    name: ClassVar[str] = "sam6d-bop"
    kinds: ClassVar[tuple[FileKind, ...]] = TEMPLATE_KINDS
    manifest_inside: ClassVar[bool] = False
    forms: ClassVar[Mapping[str, FileForm]] = {r"(rgb|mask)_\d+\.png": PNG, r"xyz_\d+\.npy": XYZ_NPY}
    distance_diameters: ClassVar[float | None] = 2.0

    def folder(self, object_id: int) -> str:
        """``obj_`` and six digits."""
        return f"obj_{object_id:06d}"

    def paths(self, kind: FileKind, view: int, views: int) -> tuple[str, ...]:
        """The kind and the index, as in ``sam6d``; a folder of such names is told by that layout."""
        return (f"{kind}_{view}.{ENDINGS[kind]}",)
