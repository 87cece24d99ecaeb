"""The three files of a view: their names, what they hold, and how they come from a renderer to the service."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple

from render_actor.contract.types import BatchResult, BlenderReport
from render_actor.contract.view_quality import ViewQuality
from render_actor.contract.xyz_file import PackedXyz


class FileContent(NamedTuple):
    """What a file is said to hold.

    Attributes:
        sha256: in hex.
        size: bytes.
    """

    sha256: str
    size: int


def content_of(data: bytes | memoryview) -> FileContent:
    """What a file of these bytes holds."""
    return FileContent(hashlib.sha256(data).hexdigest(), len(data))


def file_names(view: int) -> tuple[str, str, str]:
    """Names of the RGB, mask and xyz file of a view."""
    return f"rgb_{view}.png", f"mask_{view}.png", f"xyz_{view}.npy"


@dataclass(frozen=True)
class RenderedView:
    """What a renderer says of a view whose files are made.

    Attributes:
        view: index of the camera.
        files: what the RGB (H x W x 3 uint8 PNG), mask (H x W uint8 PNG of 0 and 255) and xyz file (H x W x 3 float16 NPY, object
            coordinates in mm: CAD unit times the scene's ``xyz_scale``, background -1) hold.
        seconds: wall seconds of the view.
        mask_pixels: number of pixels on the object.
        quality: what was sampled for the image, and how near it comes to the converged one.
        in_sink: whether the files lie in the batch's sink; otherwise they travel, as a ``PackedView``.
        payload: Ray object reference to the ``PackedView``, where there is one.
        renderer: id of the renderer.
        blender: of the Blender that rendered it.
    """

    view: int
    files: tuple[FileContent, FileContent, FileContent]
    seconds: float
    mask_pixels: int
    quality: ViewQuality
    in_sink: bool
    payload: Any = None
    renderer: str = "?"
    blender: BlenderReport | None = None


@dataclass(frozen=True)
class PackedView:
    """A view's files on their way through Ray's object store.

    Attributes:
        rgb_png: the RGB file.
        mask_png: the mask file.
        xyz: what the xyz file is made of again.
    """

    rgb_png: bytes
    mask_png: bytes
    xyz: PackedXyz


@dataclass(frozen=True)
class BatchAnswer:
    """A part of a renderer's answer to a batch: a message costs some CPU, so views that are made one shortly after another share one.

    Attributes:
        views: made since the part before.
        result: how the batch ended; None in all parts but the last.
    """

    views: tuple[RenderedView, ...] = ()
    result: BatchResult | None = None
