"""The files of a view: their names, what they hold, and how they come from a renderer to the service."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple

from render_actor.contract.file_kinds import ENDINGS, TEMPLATE_KINDS, FileKind
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


def file_names(view: int, kinds: tuple[FileKind, ...] = TEMPLATE_KINDS) -> tuple[str, ...]:
    """Names of a view's files of some kinds, in their order, wherever no layout gives them others."""
    return tuple(f"{kind}_{view}.{ENDINGS[kind]}" for kind in kinds)


@dataclass(frozen=True)
class RenderedView:
    """What a renderer says of a view whose files are made.

    Attributes:
        view: index of the camera.
        files: what its files hold, in the order of ``kinds``.
        seconds: wall seconds of the view.
        mask_pixels: number of pixels on the object.
        quality: what was sampled for the image, and how near it comes to the converged one.
        in_sink: whether the files lie in the batch's sink; otherwise they travel, as a ``PackedView``.
        payload: Ray object reference to the ``PackedView``s of all views of the same answer that travel, where there is one.
        place: of its own among them.
        renderer: id of the renderer.
        blender: of the Blender that rendered it.
        kinds: of its files, as the batch wanted them.
        mask_box: (left, top, right, bottom) of the pixels on the object, right and bottom exclusive.
        brightness: mean of the object's pixels over all channels, of 255.
    """

    view: int
    files: tuple[FileContent, ...]
    seconds: float
    mask_pixels: int
    quality: ViewQuality
    in_sink: bool
    payload: Any = None
    place: int = 0
    renderer: str = "?"
    blender: BlenderReport | None = None
    kinds: tuple[FileKind, ...] = TEMPLATE_KINDS
    mask_box: tuple[int, int, int, int] | None = None
    brightness: float | None = None


@dataclass(frozen=True)
class PackedView:
    """A view's files on their way through Ray's object store.

    Attributes:
        files: in the order of the view's ``kinds``; of ``xyz``, what the file is made of again.
    """

    files: tuple[bytes | PackedXyz, ...]


@dataclass(frozen=True)
class BatchAnswer:
    """A part of a renderer's answer to a batch: a message costs some CPU, so views that are made one shortly after another share one.

    Attributes:
        views: made since the part before.
        result: how the batch ended; None in all parts but the last.
    """

    views: tuple[RenderedView, ...] = ()
    result: BatchResult | None = None
