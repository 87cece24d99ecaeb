"""Joins the submeshes of a CAD to one mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import CadMesh
from serve_app.cad.mesh.submesh import Submesh, compacted


def joined(submeshes: list[Submesh], textures: tuple[NDArray[np.uint8], ...]) -> CadMesh | None:
    """Join submeshes.

    What only some of them have is filled with its neutral value in the others: flat normals, white, texture coordinates of 0. Faces
    that name a vertex twice and vertices that no face uses are left out.

    Args:
        submeshes: at least one.
        textures: (H, W, 4) uint8 each; what the materials refer to.

    Returns:
        The mesh, without its key; None when it has no faces.
    """
    offsets = np.cumsum([0, *(len(submesh.vertices) for submesh in submeshes)])
    normals = colors = uv = None
    if any(submesh.corner_normals is not None for submesh in submeshes):
        normals = np.concatenate([s.flat_normals() if s.corner_normals is None else s.corner_normals for s in submeshes])
    if any(submesh.vertex_colors is not None for submesh in submeshes):
        white = np.full(4, 255, dtype=np.uint8)
        colors = np.concatenate([np.tile(white, (len(s.vertices), 1)) if s.vertex_colors is None else s.vertex_colors for s in submeshes])
    if any(submesh.corner_uv is not None for submesh in submeshes):
        uv = np.concatenate([np.zeros((len(s.faces), 3, 2), np.float32) if s.corner_uv is None else s.corner_uv for s in submeshes])
    faces = np.concatenate([submesh.faces + start for submesh, start in zip(submeshes, offsets, strict=False)])
    vertices = np.concatenate([submesh.vertices for submesh in submeshes])
    materials = {id(submesh.material): submesh.material for submesh in submeshes}  # Each is a shader: submeshes with one material share it.
    slots = {identity: slot for slot, identity in enumerate(materials)}
    of_submeshes = np.array([slots[id(submesh.material)] for submesh in submeshes], dtype=np.int32)
    face_materials = np.repeat(of_submeshes, [len(submesh.faces) for submesh in submeshes])
    # A face that names a vertex twice is nothing to see, and with custom normals it kills Blender.
    first, second, third = faces.T
    proper = (first != second) & (second != third) & (third != first)
    if not proper.all():
        faces, face_materials = faces[proper], face_materials[proper]
        normals, uv = (None if values is None else values[proper] for values in (normals, uv))
    if not len(faces):
        return None
    # A vertex that no face uses must not decide where the object is.
    used, faces = compacted(vertices, faces)
    return CadMesh(
        key="",
        vertices=vertices[used],
        faces=faces.astype(np.int32),
        corner_normals=normals,
        vertex_colors=None if colors is None else colors[used],
        corner_uv=uv,
        face_materials=face_materials,
        materials=tuple(materials.values()),
        textures=textures,
    )
