"""A view as an image or as coordinates, whichever files its layout keeps of it."""

from __future__ import annotations

import hashlib
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.file_kinds import FileKind
from serve_app.base.directory import Directory
from serve_app.base.errors import ServiceError
from serve_app.templates.pictures import (
    NoPictureError,
    decoded_png,
    decoded_xyz,
    depth_of_xyz,
    encoded_png,
    encoded_xyz,
    xyz_colors,
    xyz_of_depth,
)
from serve_app.templates.result_views import ResultViews, ViewFile

PictureName = Literal["rgb.png", "mask.png", "xyz.png", "depth.png", "xyz.npy"]
"""What can be had of a view:

- ``rgb.png``: RGB, 8 bits; on black where the layout keeps the image so.
- ``mask.png``: grey, 255 on the object and 0 off it.
- ``xyz.png``: coordinates as colours, see ``xyz_colors``.
- ``depth.png``: grey, 16 bits, see ``depth_of_xyz``.
- ``xyz.npy``: (H, W, 3) float16, object coordinates in mm, background -1.
"""

PICTURES: tuple[PictureName, ...] = get_args(PictureName)

_SOURCES: dict[PictureName, tuple[FileKind, ...]] = {
    "rgb.png": ("rgb", "masked", "rgba"),
    "mask.png": ("mask", "rgba"),
    "xyz.png": ("xyz", "depth"),
    "depth.png": ("depth", "xyz"),
    "xyz.npy": ("xyz", "depth"),
}
"""Files that it can be made of; the first one that there is."""

_AS_IT_IS = {("rgb.png", "rgb"), ("rgb.png", "masked"), ("mask.png", "mask"), ("depth.png", "depth"), ("xyz.npy", "xyz")}


class ChangedViewError(Exception):
    """A view's file is not there, or is not what was rendered."""


def source_of(views: ResultViews, name: PictureName) -> FileKind | None:
    """The kind of file that a picture is made of; None where the layout keeps nothing that it could be made of."""
    kind = next((kind for kind in _SOURCES[name] if kind in views.kinds), None)
    return None if name == "depth.png" and kind == "xyz" and views.told_depth_scale is None else kind


def not_kept(views: ResultViews, name: PictureName) -> ServiceError:
    """What a client is told of a picture that cannot be had."""
    kept = ", ".join(views.kinds)
    return ServiceError(
        "not_found",
        f"there is no {name} of this job's views: layout {views.layout.name} keeps only {kept}; render with layout sam6d for the others",
        "name",
    )


class ViewPicture:
    """One picture of a view that is done.

    Args:
        views: of the job.
        folder: that their files lie in; it must stay open.
        view: index.
        name: which picture.

    Raises:
        ServiceError: ``not_found``; the layout keeps nothing that it could be made of.
    """

    def __init__(self, views: ResultViews, folder: Directory, view: int, name: PictureName) -> None:
        kind = source_of(views, name)
        if kind is None:
            raise not_kept(views, name)
        file = views.file(view, kind)
        assert file is not None
        self._views, self._folder, self._view, self._name = views, folder, view, name
        self._kind: FileKind = kind
        self._file: ViewFile = file

    @property
    def etag(self) -> str:
        """Tells its content from any other; known without reading a file."""
        sha256 = self._file.content.sha256
        if self.as_it_is:
            return sha256[:32]
        views = self._views
        bounds = None if views.bounds_mm is None else views.bounds_mm.tolist()
        made_of = (self._name, self._kind, sha256, bounds, views.told_depth_scale, views.poses[self._view].tolist())
        return hashlib.sha256(repr(made_of).encode()).hexdigest()[:32]

    @property
    def as_it_is(self) -> bool:
        """Whether it is one of the view's files."""
        return (self._name, self._kind) in _AS_IT_IS

    def data(self) -> bytes:
        """The file.

        Raises:
            ChangedViewError: what it is made of is not there, or is not what was rendered.
        """
        return self._read() if self.as_it_is else self._encoded(self.pixels())

    def _encoded(self, pixels: NDArray[Any]) -> bytes:
        return encoded_xyz(pixels) if self._name == "xyz.npy" else encoded_png(pixels)

    def pixels(self) -> NDArray[Any]:
        """The same as an array; images are in OpenCV's order.

        Raises:
            ChangedViewError: see ``data``.
        """
        data, views = self._read(), self._views
        try:
            make = self._from_xyz if self._kind == "xyz" else self._from_png
            return make(data, views)
        except NoPictureError as error:
            raise ChangedViewError(self._file.path) from error

    def _from_xyz(self, data: bytes, views: ResultViews) -> NDArray[Any]:
        xyz = decoded_xyz(data, views.width, views.height)
        if self._name == "depth.png":
            assert views.told_depth_scale is not None
            return depth_of_xyz(xyz, views.poses[self._view], views.told_depth_scale)
        return xyz_colors(xyz, views.bounds_mm) if self._name == "xyz.png" else xyz

    def _from_png(self, data: bytes, views: ResultViews) -> NDArray[Any]:
        pixels = decoded_png(data, views.width, views.height)
        if self._kind == "rgba":
            if pixels.ndim != 3 or pixels.shape[2] != 4:
                raise NoPictureError("it has no alpha")
            return (
                np.where(pixels[..., 3] > 0, 255, 0).astype(np.uint8) if self._name == "mask.png" else np.ascontiguousarray(pixels[..., :3])
            )
        if self._kind == "depth" and self._name != "depth.png":
            if pixels.ndim != 2 or views.depth_scale is None:
                raise NoPictureError("it is no depth")
            xyz = xyz_of_depth(pixels, views.intrinsics[self._view], views.poses[self._view], views.depth_scale)
            return xyz_colors(xyz, views.bounds_mm) if self._name == "xyz.png" else xyz
        return pixels

    def _read(self) -> bytes:
        told = self._file.content
        try:
            with self._folder.open_file(self._file.path) as file:
                data = file.read(told.size + 1)
        except OSError as error:
            raise ChangedViewError(self._file.path) from error
        if len(data) != told.size or hashlib.sha256(data).hexdigest() != told.sha256:
            raise ChangedViewError(self._file.path)
        return data
