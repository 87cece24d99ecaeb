"""The mesh that a job writes beside its templates, and which file SAM-6D's other servers are to be given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serve_app.base.aio import to_thread_to_end
from serve_app.cad.formats.ply_writer import ply_in_mm
from serve_app.jobs.job import JobSpec, is_in_mm
from serve_app.templates.layouts.registry import DEFAULT
from serve_app.templates.layouts.sam6d import MODEL

if TYPE_CHECKING:
    from render_actor.contract.types import CadMesh
    from serve_app.rendering.prepared import PreparedJob


def sam6d_cad(spec: JobSpec) -> str | None:
    """The CAD file for ISM and PEM, which read it in mm: the given one where it is that, else the mesh; None where neither is.

    As the client writes paths.
    """
    if is_in_mm(spec.cad_path, spec.request.unit):
        return spec.cad_text
    return f"{spec.output_text.rstrip('/')}/{MODEL}" if spec.wants_mesh else None


def model_beside(spec: JobSpec) -> bool:
    """Whether what lies at the mesh's place beside the templates is replaced, or removed where this job has none.

    The mesh of an earlier job there is not that of these templates; but a client may have it rendered again, and then it stays.
    """
    if spec.request.layout != DEFAULT.name or not spec.request.templates_subfolder:
        return False  # There is none; or it is one of the files in the folder.
    return spec.wants_mesh or spec.cad_path != spec.output_dir / MODEL


async def write_mesh(prepared: PreparedJob) -> dict[str, int]:
    """Write the mesh into the staging folder, where the job wants it.

    Returns:
        Its bytes by its name; empty where it is not wanted.

    Raises:
        ServiceError: the staging folder cannot be written.
    """
    if not prepared.job.spec.wants_mesh:
        return {}
    mesh: CadMesh = await prepared.cad.mesh
    return await to_thread_to_end(_written, prepared, mesh)


def _written(prepared: PreparedJob, mesh: CadMesh) -> dict[str, int]:
    parts = ply_in_mm(mesh, prepared.scene.xyz_scale)
    prepared.staging.write(MODEL, *parts)
    return {MODEL: sum(map(len, parts))}
