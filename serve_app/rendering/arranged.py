"""What a job's layout makes of its views."""

from __future__ import annotations

from collections.abc import Callable

from render_actor.contract.file_kinds import KINDS, WantedFiles, depth_scale_for
from serve_app.base.errors import ServiceError
from serve_app.jobs.request import RenderRequest
from serve_app.rendering.manifest import manifest_json
from serve_app.rendering.object_views import rendered_object
from serve_app.rendering.prepared import PreparedJob
from serve_app.templates.kept_manifests import KeptManifests
from serve_app.templates.layouts.layout import MANIFEST, Layout
from serve_app.templates.staged_files import placed
from serve_app.templates.views import RenderedViews


def wanted_files(request: RenderRequest, layout: Layout, deepest: Callable[[], float]) -> WantedFiles:
    """The files that are made of each view of a job.

    Args:
        request: may add some.
        layout: that it asks for.
        deepest: gives a depth in mm that no view exceeds.

    Raises:
        ServiceError: ``cad_invalid``; depth does not fit a file.
    """
    kinds = tuple(kind for kind in KINDS if kind in layout.kinds or kind in (request.outputs or ()))
    if "depth" not in kinds:
        return WantedFiles(kinds)
    farthest_mm = deepest()
    finest = depth_scale_for(farthest_mm)
    if finest is None or (layout.depth_scale is not None and finest > layout.depth_scale):
        steps = "of 16 bits" if layout.depth_scale is None else f"in steps of {layout.depth_scale:g} mm"
        raise ServiceError(
            "cad_invalid",
            f"the object is up to {farthest_mm:.4g} mm from its cameras, more than a depth file {steps} holds; check unit",
            "unit",
        )
    return WantedFiles(kinds, finest if layout.depth_scale is None else layout.depth_scale)


def arrange(prepared: PreparedJob, rendered: RenderedViews, kept: KeptManifests) -> dict[str, int]:
    """Complete the staging folder: the layout's copies and documents, and the manifest. What lies outside the folder is written at last.

    Args:
        prepared: whose; the folder holds its views' files.
        rendered: the views.
        kept: gets the manifest, where the folder must not have it.

    Returns:
        Bytes of each file in it, by path.

    Raises:
        ServiceError: it cannot be written.
    """
    staging, layout = prepared.staging, prepared.layout
    told, manifest = rendered_object(prepared, rendered), manifest_json(prepared, rendered)
    documents = dict(layout.documents(told))
    if layout.manifest_inside:
        documents[MANIFEST] = manifest
    staging.complete(rendered.files())
    for path, data in documents.items():
        staging.write(path, data)
    if not layout.manifest_inside:
        kept.write(prepared.job.job_id, manifest)
    staging.place_beside(prepared.job.spec.output_dir, layout.beside(told), layout.beside_forms)
    sizes = {path: content.size for path, content in placed(staging.places, rendered.files()).items()}
    return sizes | {path: len(data) for path, data in documents.items()}
