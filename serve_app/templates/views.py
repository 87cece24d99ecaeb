"""What is known of a job's views once their files lie in its staging folder."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import BlenderReport, EncodedView
from render_actor.contract.view_files import FileContent, file_names
from render_actor.contract.view_quality import ViewQuality
from serve_app.base.errors import ServiceError

_npy: Any = np.lib.format  # Its types are not declared.


def files_of(view: EncodedView) -> dict[str, bytes]:
    """Content of a view's files by name."""
    return dict(zip(file_names(view.view), (view.rgb_png, view.mask_png, view.xyz_npy), strict=True))


def view_entry(view: EncodedView, blender: BlenderReport | None) -> dict[str, Any]:
    """A view's part of the manifest: what can be known when it is written."""
    files = {name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in files_of(view).items()}
    return {
        "index": view.view,
        "mask_pixels": view.mask_pixels,
        "samples": int(view.quality.samples),
        "estimated_error": _rounded(view.quality.estimated_error),
        "error_bound": _rounded(view.quality.error_bound),
        "seconds": round(view.seconds, 4),
        "device": blender.device if blender else None,
        "files": files,
    }


def quality_of(entry: Mapping[str, Any]) -> ViewQuality | None:
    """What a view's part of a manifest says of its sampling; None where an older server has written it.

    Raises:
        ValueError: it says something else than numbers.
    """
    if "samples" not in entry:
        return None
    samples, *errors = (entry.get(name) for name in ("samples", "estimated_error", "error_bound"))
    if not isinstance(samples, int) or not all(isinstance(error, int | float | None) for error in errors):
        raise ValueError("samples, estimated_error and error_bound of a view are no numbers")
    return ViewQuality(samples, *errors)


def _rounded(error: float | None) -> float | None:
    return None if error is None else round(float(error), 3)


@dataclass
class RenderedViews:
    """The views of one rendering that are done.

    Attributes:
        entries: ``view_entry`` by index.
        versions: of the software that rendered them.
    """

    entries: dict[int, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def add(self, entries: Iterable[dict[str, Any]]) -> None:
        """Take in entries of views that are written."""
        self.entries.update((entry["index"], entry) for entry in entries)

    def files(self) -> dict[str, FileContent]:
        """What each file holds, by name."""
        found = {name: file for entry in self.entries.values() for name, file in entry["files"].items()}
        return {name: FileContent(file["sha256"], file["bytes"]) for name, file in found.items()}

    def sizes(self) -> dict[str, int]:
        """Bytes of each file by name."""
        return {name: file["bytes"] for entry in self.entries.values() for name, file in entry["files"].items()}

    def seconds(self) -> dict[int, float]:
        """Rendering seconds of each view by index."""
        return {view: entry["seconds"] for view, entry in self.entries.items()}

    def qualities(self) -> dict[int, ViewQuality]:
        """What was sampled for each view by index, and what that gave; a view of which it is not known is left out."""
        found = {view: quality_of(entry) for view, entry in self.entries.items()}
        return {view: quality for view, quality in found.items() if quality is not None}

    def devices(self) -> list[str]:
        """Devices that took part."""
        return sorted({entry["device"] for entry in self.entries.values() if entry["device"]})

    def to_json(self) -> dict[str, Any]:
        """As a value that JSON can hold."""
        return {"entries": list(self.entries.values()), "versions": self.versions}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> RenderedViews:
        """Inverse of ``to_json``."""
        rendered = cls(versions=dict(content["versions"]))
        rendered.add(content["entries"])
        return rendered


def check_files(view: EncodedView) -> None:
    """See that a view's files are what a consumer will read.

    Raises:
        ServiceError: ``render_failed`` when one does not decode, they differ in size, or the mask is empty.
    """
    rgb, mask = _image(view.rgb_png), _image(view.mask_png)
    good = rgb is not None and mask is not None and rgb.shape == (*mask.shape, 3) and mask.any()
    if not good or rgb is None or not _is_xyz(view.xyz_npy, rgb.shape):
        raise ServiceError("render_failed", f"a renderer gave files of view {view.view} that are not a template; send the request again")


def _image(data: bytes) -> NDArray[np.uint8] | None:
    image: NDArray[np.uint8] | None = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    return image


def _is_xyz(data: bytes, shape: tuple[int, ...]) -> bool:
    """Whether this is the .npy file of a float16 array of this shape: told by its bytes, since several threads check views at once."""
    header = io.BytesIO()
    _npy.write_array_header_1_0(header, {"descr": "<f2", "fortran_order": False, "shape": shape})
    return data.startswith(header.getvalue()) and len(data) == len(header.getvalue()) + 2 * math.prod(shape)
