"""A part of a CAD with one material."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import SurfaceMaterial
from serve_app.cad.mesh.geometry import face_normals


@dataclass
class Submesh:
    """The faces of a mesh that have one material; shapes and types as in ``CadMesh``.

    Attributes:
        part: name of the part of an assembly that it belongs to; empty where the file names none.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    corner_normals: NDArray[np.float32] | None
    vertex_colors: NDArray[np.uint8] | None
    corner_uv: NDArray[np.float32] | None
    material: SurfaceMaterial
    part: str = ""

    def flat_normals(self) -> NDArray[np.float32]:
        """(F, 3, 3) corner normals of flat faces; (0, 0, 1) for a face without area."""
        return np.repeat(face_normals(self.vertices, self.faces)[:, None, :], 3, axis=1).astype(np.float32)


def compacted(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Leave out the vertices that no face uses.

    Returns:
        (U,) the indices of those that are used, and (F, 3) the faces in terms of them.

    Raises:
        ValueError: a face refers to a vertex that is not there.
    """
    if faces.size and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise ValueError("it has faces that refer to vertices it does not have")
    if faces.size * 8 < len(vertices):  # A small part of a large file: do not go through all of it.
        used, inverse = np.unique(faces, return_inverse=True)
        return used, inverse.reshape(-1, 3)
    marked = np.zeros(len(vertices), dtype=bool)
    marked[faces] = True
    if marked.all():
        return np.arange(len(vertices)), faces
    return np.flatnonzero(marked), (np.cumsum(marked) - 1)[faces]
