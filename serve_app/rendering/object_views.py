"""What a layout's documents tell of a job's views."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.scene import TemplateScene
from serve_app.rendering.prepared import PreparedJob
from serve_app.templates.layouts.layout import ObjectView, RenderedObject
from serve_app.templates.views import RenderedViews


def rendered_object(prepared: PreparedJob, rendered: RenderedViews) -> RenderedObject:
    """A job's views as its layout's documents tell of them."""
    scene, spec = prepared.scene, prepared.job.spec
    request = spec.request
    views, poses = [], scene.model_to_camera_mm()
    for index in sorted(rendered.entries):
        entry = rendered.entries[index]
        # An older server's entries have no box, and no file of a kind that a layout with boxes in its documents needs.
        left, top, right, bottom = entry.get("mask_box") or (0, 0, 0, 0)
        views.append(
            ObjectView(
                index=index,
                pose=poses[index],
                intrinsics=scene.intrinsics[index],
                width=scene.width,
                height=scene.height,
                mask_pixels=entry["mask_pixels"],
                mask_box=(left, top, right, bottom),
            )
        )
    return RenderedObject(
        object_id=request.object_id or 0,
        dataset=request.dataset or (spec.output_dir if request.output_dir else spec.cad_path.with_suffix("")).name,
        place=str(PurePath(spec.output_text) / spec.templates_dir.relative_to(spec.output_dir)),
        outputs=frozenset(request.outputs or ()),
        depth_scale=prepared.wanted.depth_scale,
        corners=prepared.cad.corners * scene.xyz_scale,
        views=tuple(views),
    )


def farthest_mm(scene: TemplateScene, corners: NDArray[np.float64]) -> float:
    """A depth that no view of a job exceeds.

    Args:
        scene: of the job.
        corners: (2, 3) of the CAD's bounding box, CAD frame and unit.
    """
    centres = np.array([scene.camera_in_cad(view)[1] for view in range(len(scene.camera_poses))])
    farthest = np.maximum(np.abs(centres - corners[0]), np.abs(centres - corners[1]))
    return float(np.linalg.norm(farthest, axis=1).max() * scene.xyz_scale)
