"""``manifest.json``: what a templates folder was made of, for people and for checks."""

from __future__ import annotations

import json
from importlib.metadata import version

from render_actor.contract.scene import FIELD_OF_VIEW, TemplateScene
from serve_app.cad.loader import LoadedCad
from serve_app.jobs.job import Job
from serve_app.templates.views import RenderedViews

FORMAT = 1


def manifest_json(job: Job, cad: LoadedCad, scene: TemplateScene, rendering_key: str, rendered: RenderedViews) -> bytes:
    """The manifest as JSON text.

    Args:
        job: whose templates they are.
        cad: what was rendered.
        scene: how; its poses are in scene units, translations of norm 2.
        rendering_key: of all that decides the files' content.
        rendered: the views.
    """
    sampling = scene.sampling
    content = {
        "format": FORMAT,
        "job_id": job.job_id,
        "cad": {"name": job.spec.cad_path.name, "sha256": cad.file_sha256, "key": cad.key, "references": cad.references, **cad.statistics},
        "options": job.spec.options,
        "warnings": job.progress.warnings,
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
        "rendering_key": rendering_key,
        "cached": job.progress.cached,
        "views": [rendered.entries[view] for view in sorted(rendered.entries)],
        "versions": {"render-server": version("render-server"), **rendered.versions},
        "devices": rendered.devices(),
    }
    return json.dumps(content, indent=1).encode()
