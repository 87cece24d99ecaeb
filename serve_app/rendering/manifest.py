"""``manifest.json``: what a templates folder was made of, for people and for checks."""

from __future__ import annotations

import dataclasses
import json
from importlib.metadata import version
from typing import Any

from render_actor.contract.intrinsics import horizontal_angle, shared_intrinsics
from render_actor.contract.scene import TemplateScene
from serve_app.cad.report import cad_report
from serve_app.rendering.prepared import PreparedJob
from serve_app.templates.layouts.sam6d import MODEL
from serve_app.templates.views import RenderedViews

FORMAT = 1

_VERSION = version("render-server")


def manifest_json(prepared: PreparedJob, rendered: RenderedViews) -> bytes:
    """The manifest as JSON text.

    ``camera_to_scene`` is in scene units (translations of norm 2), coordinates and ``model_to_camera_mm`` in mm; all are of OpenCV's axes.

    Args:
        prepared: whose templates they are.
        rendered: the views.
    """
    job, cad, scene = prepared.job, prepared.cad, prepared.scene
    sampling = scene.sampling
    content = {
        "format": FORMAT,
        "job_id": job.job_id,
        "layout": prepared.layout.name,  # In the first 256 bytes: by it, a folder is known again.
        "cad": {
            **{"name": job.spec.cad_path.name, "sha256": cad.file_sha256, "key": cad.key, "references": cad.references},
            **cad.statistics,
            **cad_report(cad, job.spec.cad_path, job.spec.request.unit),
        },
        "mesh": MODEL if job.spec.wants_mesh else None,
        "options": job.spec.options,
        "warnings": job.progress.warnings,
        **camera_content(scene),
        "sampling": {
            "samples": None if sampling.bound else sampling.samples,
            "denoiser": sampling.denoiser,
            "error_bound": None if sampling.bound is None else dataclasses.asdict(sampling.bound),
            "max_samples": sampling.max_samples,
        },
        "object_to_scene": scene.object_to_scene.tolist(),
        "bounds_mm": (cad.corners * scene.xyz_scale).tolist(),
        "xyz_unit": "mm",
        "xyz_scale": scene.xyz_scale,
        "camera_to_scene": scene.camera_poses.tolist(),
        "model_to_camera_mm": scene.model_to_camera_mm().tolist(),
        "depth_scale_mm": prepared.wanted.depth_scale if "depth" in prepared.wanted.kinds else None,
        "rendering_key": prepared.key,
        "cached": job.progress.cached,
        "views": rendered.placed(prepared.staging.places),
        "versions": {"render-server": _VERSION, **rendered.versions},
        "devices": rendered.devices(),
    }
    return _lines(content).encode()


def camera_content(scene: TemplateScene) -> dict[str, Any]:
    """Size of the images and pinhole matrices: ``intrinsics`` where all views have the same one, otherwise ``intrinsics_of_views``."""
    shared = shared_intrinsics(scene.intrinsics)
    content: dict[str, Any] = {"width": scene.width, "height": scene.height, "resolution": [scene.width, scene.height]}
    if shared is None:
        return content | {"intrinsics_of_views": scene.intrinsics.tolist()}
    return content | {"field_of_view_rad": horizontal_angle(shared, scene.width), "intrinsics": shared.tolist()}


def _lines(content: dict[str, Any]) -> str:
    """JSON with a line for each value, and for each element of those that hold others. ``indent`` would cost ten times as much."""
    return "{\n" + ",\n".join(f" {json.dumps(name)}: {_value(value)}" for name, value in content.items()) + "\n}"


def _value(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], list | dict):
        return "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"
    return json.dumps(value)
