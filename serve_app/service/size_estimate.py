"""How much room a job's templates will take on their disk."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from render_actor.contract.cameras import view_count
from serve_app.jobs.disk_need import DiskNeed
from serve_app.jobs.request import RenderRequest
from serve_app.rendering.pose_file import count_poses

_BYTES_A_PIXEL = 8
"""xyz takes 6; the two images fit the rest."""


def disk_need(request: RenderRequest, poses: Path | None, templates_dir: Path) -> DiskNeed:
    """What a request is going to write.

    Args:
        request: accepted or about to be.
        poses: its camera poses file, links resolved, if it names one.
        templates_dir: links resolved.
    """
    width, height = request.size
    size = _views(request, poses) * width * height * _BYTES_A_PIXEL
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
