"""``manifest.json``: what a templates folder was made of, for people and for checks."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import Any

from render_actor.scene import FIELD_OF_VIEW, TemplateScene
from render_actor.types import BlenderReport, EncodedView
from serve_app.cad.loader import LoadedCad
from serve_app.job import Job

FORMAT = 1


def file_names(view: int) -> tuple[str, str, str]:
    """Names of the RGB, mask and xyz file of a view."""
    return f"rgb_{view}.png", f"mask_{view}.png", f"xyz_{view}.npy"


def files_of(view: EncodedView) -> dict[str, bytes]:
    """Content of a view's files by name."""
    return dict(zip(file_names(view.view), (view.rgb_png, view.mask_png, view.xyz_npy), strict=True))


def view_entry(view: EncodedView) -> dict[str, Any]:
    """A view's part of the manifest: what can be known when it is written."""
    files = {name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in files_of(view).items()}
    return {"index": view.view, "mask_pixels": view.mask_pixels, "seconds": round(view.seconds, 4), "files": files}


def manifest_json(job: Job, cad: LoadedCad, scene: TemplateScene, views: dict[int, dict[str, Any]], blenders: list[BlenderReport]) -> bytes:
    """The manifest as JSON text.

    Args:
        job: whose templates they are.
        cad: what was rendered.
        scene: how; its poses are in scene units, translations of norm 2.
        views: ``view_entry`` by index.
        blenders: the renderers that took part.
    """
    sampling = scene.sampling
    content = {
        "format": FORMAT,
        "job_id": job.job_id,
        "cad": {"name": job.cad_path.name, "sha256": cad.file_sha256, "key": cad.key, "references": cad.references, **cad.statistics},
        "options": job.request.model_dump(exclude={"cad_path", "output_dir"}),
        "warnings": job.warnings,
        "resolution": [scene.resolution, scene.resolution],
        "field_of_view_rad": FIELD_OF_VIEW,
        "intrinsics": scene.intrinsics.tolist(),
        "sampling": {
            "samples": sampling.samples,
            "adaptive_threshold": sampling.adaptive_threshold,
            "adaptive_min_samples": sampling.adaptive_min_samples,
            "denoiser": sampling.denoiser,
        },
        "object_to_scene": scene.object_to_scene.tolist(),
        "xyz_unit": "mm",
        "xyz_scale": scene.xyz_scale,
        "camera_to_scene": scene.camera_poses.tolist(),
        "views": [views[index] for index in sorted(views)],
        "versions": {"render-server": version("render-server"), **(blenders[0].versions if blenders else {})},
        "devices": sorted({blender.device for blender in blenders}),
    }
    return json.dumps(content, indent=1).encode()
