"""Refuses meshes that cannot be rendered, and warns of those that look odd."""

from __future__ import annotations

import numpy as np

from render_actor.contract.types import CadMesh, SurfaceMaterial
from serve_app.cad.mesh.coincident import coincident_faces
from serve_app.cad.mesh.geometry import bounds, double_areas
from serve_app.cad.refusals import invalid

_MIN_SIZE = 1e-6
"""Size of the smallest CAD: a nanometre, or a micrometre of one in metres. Much below, its scaling overflows."""

_MAX_COORDINATE = 1e9
"""Coordinates of the largest CAD, in its own unit: a thousand kilometres. Far above, 32-bit arithmetic overflows."""

_MIN_DOUBLE_AREA = 1e-12
"""Twice the area of the largest face, for a CAD of size 1, below which there is nothing to see."""

_MAX_LAYERS = 1000
"""Area of all faces, for a CAD of size 1. A ray meets as many faces as lie over each other: a million that fill the image would
keep a renderer for minutes a view."""


def check_geometry(mesh: CadMesh) -> None:
    """Refuse a mesh that a renderer cannot use.

    Raises:
        ServiceError: ``cad_invalid``: a coordinate is not finite or far too large, the mesh has no size or no surface, or so many faces
            lie over each other that a view would take minutes.
    """
    finite = np.isfinite(mesh.vertices)
    if not finite.all():
        raise invalid(f"it has {int((~finite.all(axis=1)).sum())} vertices with NaN or infinite coordinates; repair the file")
    low, high = bounds(mesh.vertices)
    if np.abs([low, high]).max() > _MAX_COORDINATE:
        raise invalid(f"its coordinates reach {np.abs([low, high]).max():.4g}; repair the file")
    size = float((high - low).max())
    if size < _MIN_SIZE:
        raise invalid("it has no size: all its vertices lie in one point" + (f" within {size:.4g}" if size else ""))
    corners = (mesh.vertices - low)[mesh.faces] / size
    areas = double_areas(corners)
    if areas.max() < _MIN_DOUBLE_AREA:
        raise invalid("it has no surface: all its faces are lines or points")
    if areas.sum() / 2 > _MAX_LAYERS:
        raise invalid(f"its faces lie over each other, {areas.sum() / 2:.4g} times as much as would cover it; remove those that are double")


def oddities(mesh: CadMesh) -> list[str]:
    """Warnings for the job: what may not be as its owner meant it."""
    messages = []
    plain = all(material in (SurfaceMaterial(), SurfaceMaterial(multiplied=True)) for material in mesh.materials)
    if mesh.vertex_colors is None and plain:
        messages.append("the CAD has no colours, texture or material: rendered in a neutral grey")
    if double := coincident_faces(mesh.vertices, mesh.faces):
        messages.append(
            f"{double} of its {len(mesh.faces)} faces lie exactly where others do: they may render black or speckled; remove double faces "
            "and parts that are there twice, and export it anew"
        )
    return messages
