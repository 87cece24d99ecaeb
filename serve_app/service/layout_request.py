"""Completes a request by its layout: which cameras its pipeline wants, which object it is, where the files go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from serve_app.base.errors import ServiceError
from serve_app.jobs.job import is_in_mm
from serve_app.jobs.request import RenderRequest
from serve_app.templates.layouts.layout import Cameras, Layout
from serve_app.templates.layouts.registry import LAYOUTS

_MAX_OBJECT_ID = 999_999

_LISTS = ("level", "camera_poses_path")
_IMAGE = ("K", "width", "height", "crop")
_DISTANCE = ("distance_mm", "distance_diameters")


def completed(request: RenderRequest, cad_path: Path) -> RenderRequest:
    """A request with what its layout and its CAD's name decide where it does not say; one that is completed stays as it is.

    Args:
        request: as the client sent it.
        cad_path: links resolved.

    Raises:
        ServiceError: ``validation_error``; the layout has no such outputs, or its pipeline could not read views of such cameras.
    """
    layout = LAYOUTS[request.layout]
    _check(request, layout)
    defaults = _defaults_left(request, layout)
    if defaults:
        said = request.model_dump(exclude_unset=True)
        camera = {**defaults.pop("camera", {}), **{name: value for name, value in (said.get("camera") or {}).items() if value is not None}}
        try:
            request = RenderRequest.model_validate({**defaults, **said, "camera": camera or None})
        except ValidationError as error:  # The two together say what neither says alone.
            detail = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise ServiceError("validation_error", f"with the defaults of layout {layout.name}: {detail}", "layout") from error
    refusal = layout.refusal(_cameras(request))
    if refusal is not None:
        raise ServiceError("validation_error", refusal.detail, refusal.field)
    left: dict[str, Any] = {} if request.object_id is not None else {"object_id": _object_id(cad_path)}
    if request.outputs is None:
        left["outputs"] = ["mesh"] if "mesh" in layout.outputs and not is_in_mm(cad_path, request.unit) else []
    return request.model_copy(update=left)


def _check(request: RenderRequest, layout: Layout) -> None:
    """Refuse what a layout does not have."""
    unknown = [output for output in request.outputs or () if output not in layout.outputs]
    if unknown:
        remedy = "leave outputs out, or use layout sam6d"
        if unknown == ["mesh"]:  # A folder more below output_dir would be counted as an object by some of them.
            remedy = (
                "its readers take CADs from the dataset's own models folder; have the mesh by layout sam6d, and copy model_mm.ply there"
            )
        raise ServiceError(
            "validation_error",
            f"layout {layout.name} has its own files, and no outputs beside them ({', '.join(unknown)}); {remedy}",
            "outputs",
        )
    if not request.templates_subfolder and layout.folder(1) != "templates":
        raise ServiceError(
            "validation_error",
            f"layout {layout.name} has a folder for each object below output_dir; leave templates_subfolder out",
            "templates_subfolder",
        )


def _defaults_left(request: RenderRequest, layout: Layout) -> dict[str, Any]:
    """The layout's defaults of what a request does not say: its list of cameras, its image, its distance, and all other fields."""
    said = request.model_dump(exclude_unset=True)
    camera = {name: value for name, value in (said.get("camera") or {}).items() if value is not None}
    left: dict[str, Any] = {
        name: value for name, value in layout.request_defaults.items() if name not in said or name in (*_LISTS, "camera")
    }
    of_camera = dict(left.pop("camera", {}))
    if layout.distance_diameters is not None:
        of_camera["distance_diameters"] = layout.distance_diameters
    if "poses" in camera or any(said.get(name) is not None for name in _LISTS):
        left = _without(left, _LISTS)
        of_camera = _without(of_camera, ("poses",))
    if "resolution" in said or any(name in camera for name in _IMAGE):
        of_camera = _without(of_camera, _IMAGE)
    if said.get("normalize") or any(name in camera for name in _DISTANCE):
        of_camera = _without(of_camera, _DISTANCE)
    missing = {name: value for name, value in of_camera.items() if name not in camera}
    return left | ({"camera": missing} if missing else {})


def _without(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _cameras(request: RenderRequest) -> Cameras:
    pinhole = request.camera.K if request.camera is not None else None
    poses = request.poses
    return Cameras(
        listed=poses.camera_poses_path is None and poses.viewpoints is None,
        pinhole=None if pinhole is None else (pinhole.fx, pinhole.fy, pinhole.cx, pinhole.cy),
        size=request.size,
    )


def _object_id(cad_path: Path) -> int:
    """The number that a CAD's name ends in; 1 where it ends in none, or in a longer one than a dataset has."""
    digits = re.search(r"\d+$", cad_path.stem)
    number = int(digits[0][-12:]) if digits else 1
    return number if number <= _MAX_OBJECT_ID else 1
