"""The page of what a render request may say."""

from __future__ import annotations

from pydantic import BaseModel

from serve_app.jobs.camera_request import CameraPoses, CameraRequest, Crop, Pinhole, Viewpoints
from serve_app.jobs.request import RenderOptions, RenderRequest
from tools.reference.markdown import cell, page, table
from tools.reference.values import bounds_of, default_of, kind_of

_INTRO = """
A render request is one JSON object. Every option may be left out, and means the same in every endpoint, in each item of a batch and
as a flag of `render-server render` (`camera_poses_path` is `--camera-poses-path`). An unknown field is refused by name.
"""

_CAMERA = (
    ("camera", CameraRequest),
    ("camera.K", Pinhole),
    ("camera.poses", CameraPoses),
    ("camera.poses.viewpoints", Viewpoints),
    ("camera.crop", Crop),
)


def options() -> str:
    """``reference/options.md``."""
    own = {name: field for name, field in RenderRequest.model_fields.items() if name not in RenderOptions.model_fields}
    request = "## What is rendered, and where to\n\n" + table(
        ("field", "takes", "meaning"), [[f"`{name}`", kind_of(field.annotation), cell(field.description)] for name, field in own.items()]
    )
    parts = [request, "## How it is rendered\n\n" + _table(RenderOptions)]
    parts += [f"## `{name}`\n\n{_first_line(model)}\n\n{_table(model)}" for name, model in _CAMERA]
    return page("Options of a render request", _INTRO, *parts)


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _table(model: type[BaseModel]) -> str:
    rows = []
    for name, field in model.model_fields.items():
        takes = ", ".join(part for part in (kind_of(field.annotation), bounds_of(name.lower(), field)) if part)
        rows.append([f"`{name}`", default_of(name.lower(), field), cell(takes), cell(field.description)])
    return table(("option", "default", "takes", "meaning"), rows)
