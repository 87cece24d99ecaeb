"""How much room a job's templates will take on their disk."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path

from render_actor.contract.cameras import view_count
from render_actor.contract.file_kinds import FileKind
from serve_app.cad.loader import size_of
from serve_app.jobs.disk_need import DiskNeed
from serve_app.jobs.request import RenderRequest
from serve_app.rendering.pose_file import count_poses
from serve_app.templates.layouts.registry import LAYOUTS

_BYTES_A_PIXEL: Mapping[FileKind, float] = {"rgb": 1.8, "mask": 0.2, "xyz": 6, "depth": 1, "normals": 1.5, "rgba": 2, "masked": 1.8}
"""Of a file's pixel; images are of noise, where the object fills them."""


_MESH_OF_FILE, _MESH_OF_ZIP = 3.0, 10.0
"""Bytes of the mesh for a byte of its CAD: 0.1 to 2.5 was seen of text, STL, glTF and STEP, and 7.5 of a package."""


def disk_need(request: RenderRequest, cad: Path, poses: Path | None, templates_dir: Path) -> DiskNeed:
    """What a request is going to write.

    Args:
        request: accepted or about to be.
        cad: links resolved.
        poses: its camera poses file, links resolved, if it names one.
        templates_dir: links resolved.
    """
    width, height = request.size
    layout = LAYOUTS[request.layout]
    of_pixel = sum(size for kind, size in _BYTES_A_PIXEL.items() if kind in layout.kinds or kind in (request.outputs or ()))
    size = round(_views(request, poses) * width * height * of_pixel)
    if "mesh" in (request.outputs or ()):
        size += round(size_of(cad) * (_MESH_OF_ZIP if cad.suffix.lower() == ".3mf" else _MESH_OF_FILE))
    for folder in chain((templates_dir,), templates_dir.parents):
        try:
            return DiskNeed(folder.stat().st_dev, size, replaces=folder == templates_dir and any(folder.iterdir()))
        except OSError:
            continue
    return DiskNeed(0, size, replaces=False)


def _views(request: RenderRequest, poses: Path | None) -> int:
    if poses is not None:
        return count_poses(poses)
    viewpoints = request.poses.viewpoints
    return view_count(request.poses.level or 0) if viewpoints is None else viewpoints.count
