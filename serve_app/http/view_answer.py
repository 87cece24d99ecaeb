"""A job's views as clients see them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from serve_app.service.view_pictures import PICTURES, source_of
from serve_app.templates.result_views import ResultViews
from serve_app.templates.view_flags import ViewFlag, flags_of

Matrix = list[list[float]]

_EXAMPLE: dict[str, Any] = {
    "job_id": "0d0c4b8e-7f0c-4f3c-9d39-0a2b8f6f5a11",
    "total": 42,
    "rendered": 1,
    "width": 512,
    "height": 512,
    "layout": "sam6d",
    "depth_scale_mm": 0.1,
    "bounds_mm": [[-40.0, -40.0, 0.0], [40.0, 40.0, 18.0]],
    "views": [
        {
            "index": 0,
            "state": "rendered",
            "seconds": 0.61,
            "samples": 12,
            "estimated_error": 0.84,
            "camera_pose": [[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 229.1], [0.0, 0.0, 0.0, 1.0]],
            "K": [[711.1, 0.0, 255.5], [0.0, 711.1, 255.5], [0.0, 0.0, 1.0]],
            "width": 512,
            "height": 512,
            "mask_pixels": 30122,
            "flags": [],
            "files": {"rgb": "/api/v1/jobs/0d0c4b8e-7f0c-4f3c-9d39-0a2b8f6f5a11/views/0/rgb.png"},
        }
    ],
}


class ViewFiles(BaseModel):
    """Where the files of a view are, those that its layout has or that can be made of them; the others are null."""

    rgb: str | None = None
    mask: str | None = None
    xyz: str | None = Field(None, description="Coordinates as colours.")
    xyz_npy: str | None = Field(None, description="Coordinates as (H, W, 3) float16 in mm, background -1.")
    depth: str | None = Field(None, description="16 bits; times `depth_scale_mm` it is mm.")


class ViewAnswer(BaseModel):
    """One view of a job."""

    index: int = Field(description="Of its camera.")
    state: Literal["pending", "rendered"]
    seconds: float | None = Field(None, description="Seconds that it took to render; null until it is rendered.")
    samples: int | None = Field(None, description="Samples a pixel that were taken, of those that got most; null until it is rendered.")
    estimated_error: float | None = Field(
        None, description="Root mean square error over the object's pixels, of 255; null where none was estimated."
    )
    camera_pose: Matrix = Field(description="4 x 4, camera to object, in the CAD's frame in mm; OpenCV axes: x right, y down, z forward.")
    K: Matrix = Field(description="3 x 3 pinhole matrix; pixel centres have integer coordinates.")
    width: int = Field(description="Of its images, in pixels.")
    height: int = Field(description="Of its images, in pixels.")
    mask_pixels: int | None = Field(None, description="Pixels on the object; null until it is rendered.")
    flags: list[ViewFlag] = Field(
        description="What may not be as it should: `nearly_black`, the object's pixels are darker than 16 of 255 in the mean; "
        "`small_mask`, the object covers less than 1 % of the image; `near_border`, it is less than 3 pixels from a side of the image."
    )
    files: ViewFiles | None = Field(None, description="Null until it is rendered.")


class JobViews(BaseModel):
    """The views of a job."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    job_id: str
    total: int = Field(description="Views of the job, rendered or not; 0 until its cameras are known, and where it ended without files.")
    rendered: int = Field(description="Views that are rendered.")
    width: int | None = Field(None, description="Of all images, in pixels; null until the cameras are known.")
    height: int | None = Field(None, description="Of all images, in pixels; null until the cameras are known.")
    layout: str | None = Field(None, description="Of the job's folder; null until the cameras are known.")
    depth_scale_mm: float | None = Field(None, description="mm that 1 stands for in the views' depth; null where there is none.")
    bounds_mm: Matrix | None = Field(None, description="Lowest and highest corner of the CAD in its own frame in mm; null where not known.")
    views: list[ViewAnswer] = Field(description="All of them, in order.")


def job_views(job_id: str, views: ResultViews | None, path: str) -> JobViews:
    """A job's views as clients see them.

    Args:
        job_id: of the job.
        views: None where there are none.
        path: of the job, that the files' own begin with.
    """
    if views is None:
        return JobViews(job_id=job_id, total=0, rendered=0, views=[])
    names = [name for name in PICTURES if source_of(views, name) is not None]
    poses = np.linalg.inv(views.poses)
    has_depth = "depth.png" in names
    return JobViews(
        job_id=job_id,
        total=views.total,
        rendered=len(views.entries),
        width=views.width,
        height=views.height,
        layout=views.layout.name,
        depth_scale_mm=views.told_depth_scale if has_depth else None,
        bounds_mm=None if views.bounds_mm is None else views.bounds_mm.tolist(),
        views=[_view(views, index, poses[index].tolist(), names, path) for index in range(views.total)],
    )


def _view(views: ResultViews, index: int, camera_pose: Matrix, names: list[Any], path: str) -> ViewAnswer:
    known = {
        "index": index,
        "camera_pose": camera_pose,
        "K": views.intrinsics[index].tolist(),
        "width": views.width,
        "height": views.height,
    }
    entry = views.entries.get(index)
    if entry is None:
        return ViewAnswer(state="pending", flags=[], **known)
    files = {name.replace(".npy", "_npy").removesuffix(".png"): f"{path}/views/{index}/{name}" for name in names}
    return ViewAnswer(
        state="rendered",
        seconds=entry["seconds"],
        samples=entry.get("samples"),
        estimated_error=entry.get("estimated_error"),
        mask_pixels=entry["mask_pixels"],
        flags=flags_of(entry, views.width, views.height),
        files=ViewFiles(**files),
        **known,
    )
