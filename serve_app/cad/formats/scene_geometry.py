"""Makes a submesh of a geometry of trimesh's: what a reader without looks of its own needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import SurfaceMaterial
from serve_app.cad.mesh.geometry import custom_normals
from serve_app.cad.mesh.submesh import Submesh

_PLAIN = SurfaceMaterial()


def plain_submesh(name: str, mesh: Any, material: SurfaceMaterial = _PLAIN) -> Submesh:
    """The submesh of a mesh with its normals and colours.

    Args:
        name: of the geometry.
        mesh: ``trimesh.Trimesh``.
        material: its look beside the colours.

    Returns:
        In the geometry's own frame. Normals only where the file gives them; colours of vertices or faces as they are stored,
        taken as sRGB.
    """
    vertices = np.array(mesh.vertices, dtype=np.float64)
    faces = np.array(mesh.faces, dtype=np.int64)
    given = given_normals(mesh)
    _check_indices(name, faces, len(vertices))
    normals = None if given is None else custom_normals(given[faces], vertices, faces)
    kind = getattr(mesh.visual, "kind", None)
    colors = None
    if kind == "vertex":
        colors = np.array(mesh.visual.vertex_colors, dtype=np.uint8)
    elif kind == "face":
        vertices, colors = vertices[faces].reshape(-1, 3), np.repeat(np.array(mesh.visual.face_colors, dtype=np.uint8), 3, axis=0)
        faces = np.arange(faces.size).reshape(-1, 3)
    return Submesh(vertices, faces, normals, colors, None, material)


def given_normals(mesh: Any) -> NDArray[np.float64] | None:
    """(V, 3) vertex normals that the file gives, or None: ``mesh.vertex_normals`` would compute them where it gives none."""
    if "vertex_normals" not in mesh._cache.cache:
        return None
    normals = np.asarray(mesh.vertex_normals, dtype=np.float64)
    return normals if normals.shape == mesh.vertices.shape else None


def _check_indices(name: str, faces: NDArray[np.int64], count: int) -> None:
    if faces.size and (faces.min() < 0 or faces.max() >= count):
        raise ValueError(f"mesh {name!r} has faces that refer to vertices it does not have: it has {count}")
