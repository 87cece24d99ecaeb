"""The views of one job, wherever their files lie: what is known of each, and where its files are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.file_kinds import KINDS, FileKind, depth_scale_for
from render_actor.contract.view_files import FileContent, file_names
from serve_app.templates.layouts.layout import Layout
from serve_app.templates.layouts.registry import DEFAULT, LAYOUTS
from serve_app.templates.places import Places, places_of
from serve_app.templates.staged_files import place_of, placed
from serve_app.templates.views import RenderedViews


class ViewFile:
    """A view's file: its path in the folder, and what it holds."""

    def __init__(self, path: str, content: FileContent) -> None:
        self.path, self.content = path, content


@dataclass(frozen=True)
class ResultViews:
    """The views of a job.

    Attributes:
        layout: of the folder.
        kinds: of file that are made of each view.
        width: of every image, in pixels.
        height: of every image, in pixels.
        poses: (N, 4, 4) object to camera, OpenCV axes, mm.
        intrinsics: (N, 3, 3) pinhole matrix of each view.
        bounds_mm: (2, 3) corners of the CAD in its own frame in mm; None where an older server did not tell them.
        depth_scale: mm that 1 stands for in a ``depth`` file; None where there are no such files.
        entries: what is known of each view that is done, by index; see ``view_entry``.
        final: whether no view will come any more.
    """

    layout: Layout
    kinds: tuple[FileKind, ...]
    width: int
    height: int
    poses: NDArray[np.float64]
    intrinsics: NDArray[np.float64]
    bounds_mm: NDArray[np.float64] | None
    depth_scale: float | None
    entries: Mapping[int, dict[str, Any]]
    final: bool

    @property
    def total(self) -> int:
        """Number of views, done or not."""
        return len(self.poses)

    @cached_property
    def _places(self) -> Places:
        return places_of(self.layout, self.kinds, self.total)

    def file(self, view: int, kind: FileKind) -> ViewFile | None:
        """A file of a view that is done; None where such files are not made."""
        if kind not in self.kinds:
            return None
        (name,) = file_names(view, (kind,))
        told = self.entries[view]["files"][name]
        return ViewFile(place_of(self._places, name), FileContent(told["sha256"], told["bytes"]))

    @cached_property
    def contents(self) -> Mapping[str, FileContent]:
        """What each file of the views that are done holds, by its path in the folder, copies and all."""
        return placed(self._places, RenderedViews(dict(self.entries)).files())

    @cached_property
    def told_depth_scale(self) -> float | None:
        """Mm that 1 stands for in a depth image, also where it is made of coordinates; None where no scale holds the depths."""
        if self.depth_scale is not None:
            return self.depth_scale
        if self.bounds_mm is None:
            return 1.0
        centres = -np.einsum("nji,nj->ni", self.poses[:, :3, :3], self.poses[:, :3, 3])
        farthest = np.maximum(np.abs(centres - self.bounds_mm[0]), np.abs(centres - self.bounds_mm[1]))
        return depth_scale_for(float(np.linalg.norm(farthest, axis=1).max()))


def views_of_manifest(manifest: bytes) -> ResultViews:
    """The views that a manifest tells of.

    Args:
        manifest: JSON text; whoever may write in the folder may have changed it.

    Raises:
        ValueError: it is not what the server writes.
    """
    try:
        return _views_of(json.loads(manifest))
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"the manifest is not what the server writes: {error!r}") from error


def _views_of(content: dict[str, Any]) -> ResultViews:
    layout = LAYOUTS[content.get("layout", DEFAULT.name)]
    poses = np.array(content["model_to_camera_mm"], dtype=np.float64)
    total = len(poses)
    width, height = (int(side) for side in content["resolution"])
    if "intrinsics_of_views" in content:
        intrinsics = np.array(content["intrinsics_of_views"], dtype=np.float64)
    else:
        intrinsics = np.tile(np.array(content["intrinsics"], dtype=np.float64), (total, 1, 1))
    bounds = content.get("bounds_mm")
    corners = None if bounds is None else np.array(bounds, dtype=np.float64)
    shapes = poses.shape == (total, 4, 4) and intrinsics.shape == (total, 3, 3) and (corners is None or corners.shape == (2, 3))
    if not shapes or total == 0 or not np.isfinite(poses).all() or not np.isfinite(intrinsics).all():
        raise ValueError("poses, intrinsics or bounds are not what they should be")
    paths = {path for entry in content["views"] for path in entry["files"]}
    kinds = tuple(kind for kind in KINDS if kind in layout.kinds or kind in layout.outputs)
    kinds = tuple(kind for kind in kinds if layout.paths(kind, 0, total)[0] in paths)
    rendered = RenderedViews.from_placed(content["views"], content["versions"], places_of(layout, kinds, total))
    rendered.files(), rendered.qualities()
    if rendered.entries.keys() != set(range(total)):
        raise ValueError("it does not tell of every view")
    scale = content.get("depth_scale_mm") if "depth" in kinds else None
    return ResultViews(layout, kinds, width, height, poses, intrinsics, corners, scale, rendered.entries, final=True)
