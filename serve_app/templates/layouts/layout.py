"""What a layout is: which files a pipeline reads, and where it looks for them.

``output_dir`` of a request is the folder that holds the objects of one dataset. A job publishes one folder below it, which is its object's
alone, in one step; and it may write a few single files beside that folder.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.file_kinds import FileKind
from serve_app.templates.file_forms import FileForm

MANIFEST = "manifest.json"

Output = Literal["depth", "normals", "rgba", "poses", "mesh"]
"""What a request may have added to a layout that allows it."""


@dataclass(frozen=True)
class ObjectView:
    """One view, as a layout's documents tell of it.

    Attributes:
        index: of the camera.
        pose: (4, 4) float64 object to camera (m2c), OpenCV axes (x right, y down, z forward), mm.
        intrinsics: (3, 3) pinhole matrix; pixel centres have integer coordinates.
        width: of the image, in pixels.
        height: of it.
        mask_pixels: number of pixels on the object.
        mask_box: (left, top, right, bottom) of these, right and bottom exclusive.
    """

    index: int
    pose: NDArray[np.float64]
    intrinsics: NDArray[np.float64]
    width: int
    height: int
    mask_pixels: int
    mask_box: tuple[int, int, int, int]


class Cameras(NamedTuple):
    """What a request asks for of its cameras, with the layout's defaults.

    Attributes:
        listed: whether they are those of a level, in its order.
        pinhole: (fx, fy, cx, cy) of all views; None where the request gives none, or each view has its own.
        size: (width, height) of the images in pixels.
    """

    listed: bool
    pinhole: tuple[float, float, float, float] | None
    size: tuple[int, int]


class Refusal(NamedTuple):
    """Why a layout cannot have such cameras, as a sentence with the remedy, and the request's field."""

    detail: str
    field: str


@dataclass(frozen=True)
class RenderedObject:
    """A job's views, as a layout's documents tell of them.

    Attributes:
        object_id: number of the object in its dataset.
        dataset: the dataset's name; for documents alone, it is no part of a path.
        place: path of the published folder, as the client names it; some documents name files by it.
        outputs: what the request has added.
        depth_scale: mm that 1 stands for in ``depth`` files.
        corners: (2, 3) minimum and maximum corner of the CAD in its own frame, mm.
        views: in order of their index: 0, 1, ...
    """

    object_id: int
    dataset: str
    place: str
    outputs: frozenset[Output]
    depth_scale: float
    corners: NDArray[np.float64]
    views: tuple[ObjectView, ...]


class Layout(ABC):
    """One arrangement of the views of one object. It has no state.

    Class attributes:
        name: by which requests ask for it.
        kinds: of files that it needs of each view.
        outputs: what a request may add; most layouts allow nothing.
        depth_scale: mm that 1 must stand for in ``depth`` files; None where the documents tell it: then the finest one that fits is taken.
        manifest_inside: whether ``manifest.json`` may lie in the published folder; otherwise the server keeps it, and gives it by the
            job's id.
        forms: what each file in the published folder begins with, by a regular expression of its path in the folder; without the manifest.
            No path may be deeper than one sub-folder. Only a folder in which there is nothing else is ever replaced.
        beside_forms: the same of what ``beside`` gives, by path below ``output_dir``.
        request_defaults: fields of a request that have another default in this layout.
        distance_diameters: how many of the object's diameters its origin is away from the cameras, where the request gives no distance;
            None leaves it to the request's ``normalize``.
    """

    name: ClassVar[str]
    kinds: ClassVar[tuple[FileKind, ...]]
    outputs: ClassVar[frozenset[Output]] = frozenset()
    depth_scale: ClassVar[float | None] = None
    manifest_inside: ClassVar[bool] = True
    forms: ClassVar[Mapping[str, FileForm]]
    beside_forms: ClassVar[Mapping[str, FileForm]] = {}
    request_defaults: ClassVar[Mapping[str, Any]] = {}
    distance_diameters: ClassVar[float | None] = None

    @abstractmethod
    def folder(self, object_id: int) -> str:
        """The folder that is published, below ``output_dir``: one or more names with slashes between them."""

    @abstractmethod
    def paths(self, kind: FileKind, view: int, views: int) -> tuple[str, ...]:
        """Where a view's file of a kind goes, in the published folder; more than one path for copies.

        Args:
            kind: one of ``kinds``, or of those that the request's outputs add.
            view: index of the camera.
            views: how many the job has.
        """

    def documents(self, rendered: RenderedObject) -> Mapping[str, bytes]:
        """Further files in the published folder, by path in it."""
        return {}

    def beside(self, rendered: RenderedObject) -> Mapping[str, bytes]:
        """Single files outside the published folder, by path below ``output_dir``, one sub-folder deep.

        Each is written whole or not at all, just before the folder is published; an earlier one of the same form is replaced.
        """
        return {}

    def paths_beside(self, object_id: int) -> tuple[str, ...]:
        """The paths of what ``beside`` gives."""
        return ()

    def refusal(self, cameras: Cameras) -> Refusal | None:
        """Why the pipeline could not read views of such cameras; None where it can."""
        return None

    def is_told_by(self, paths: Collection[str]) -> bool:
        """Whether a folder without a manifest of ours can be nothing else than this layout's, judged by the paths of its files.

        Their forms are looked at as well. Where names and forms are common ones, as numbered PNG files are, the answer must be no: then
        only a folder with our manifest is replaced.
        """
        return False
