"""A share of a CAD with one material, and what the readers of the formats have in common."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from render_actor.types import SurfaceMaterial


@dataclass
class Part:
    """One material's share of a mesh; shapes and types as in ``CadMesh``."""

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    corner_normals: NDArray[np.float32] | None
    vertex_colors: NDArray[np.uint8] | None
    corner_uv: NDArray[np.float32] | None
    material: SurfaceMaterial

    def flat_normals(self) -> NDArray[np.float32]:
        """(F, 3, 3) corner normals of flat faces; (0, 0, 1) for a face without area."""
        corners = self.vertices[self.faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        unit = np.divide(normals, lengths, out=np.tile([0.0, 0.0, 1.0], (len(normals), 1)), where=lengths > 0)
        return np.repeat(unit[:, None, :], 3, axis=1).astype(np.float32)


def load_meshes(data: bytes, kind: str, **options: Any) -> dict[str, trimesh.Trimesh]:
    """The meshes with faces that trimesh reads from a file's bytes, by name, vertices and faces as they stand there.

    trimesh gets no way to other files: what a CAD refers to is read by us.

    Args:
        data: the file.
        kind: ``ply``, ``obj`` or ``stl``.
        **options: of trimesh's reader.
    """
    scene = trimesh.load_scene(io.BytesIO(data), file_type=kind, process=False, **options)
    return {name: mesh for name, mesh in scene.geometry.items() if isinstance(mesh, trimesh.Trimesh) and len(mesh.faces)}


def corner_normals(mesh: trimesh.Trimesh) -> NDArray[np.float32] | None:
    """(F, 3, 3) corner normals of a mesh whose file gave some, or None when they are not usable."""
    normals = np.asarray(mesh.vertex_normals, dtype=np.float32)
    return normals[mesh.faces] if np.isfinite(normals).all() else None
