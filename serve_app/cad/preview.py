"""Makes a small mesh of a large one, to look at in a browser."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import CadMesh
from serve_app.cad.formats.glb_writer import PartFaces, glb_in_mm
from serve_app.cad.mesh.parts import FaceRun

MAX_FACES = 300_000
"""Triangles that a preview has."""

MAX_NODES = 2000
"""Nodes that it has; the parts behind them share one without a name."""

_FINEST = 1024
"""Cells of the grid along the longest edge, at first."""


@dataclass(frozen=True)
class Preview:
    """A mesh to look at.

    Attributes:
        glb: the file.
        faces: that it has.
        of_faces: that the CAD has.
    """

    glb: bytes
    faces: int
    of_faces: int


def preview_of(mesh: CadMesh, mm: float, names: tuple[str, ...], runs: tuple[FaceRun, ...], max_faces: int = MAX_FACES) -> Preview:
    """A preview.

    Args:
        mesh: of the CAD.
        mm: millimetres in one of its unit.
        names: of its parts.
        runs: which faces are which part's.
        max_faces: where it has more, vertices that lie near each other become one, and what is as small as that is not seen.
    """
    part_of = np.repeat(np.array([part for part, _ in runs], np.int64), [count for _, count in runs]) if runs else np.zeros(0, np.int64)
    if len(part_of) != len(mesh.faces):
        part_of = np.full(len(mesh.faces), -1, np.int64)
    small, kept = (mesh, np.arange(len(mesh.faces))) if len(mesh.faces) <= max_faces else _clustered(mesh, max_faces)
    parts = _parts(part_of[kept], names)
    glb = glb_in_mm(small, mm, parts, {"faces": len(small.faces), "faces_of_cad": len(mesh.faces)})
    return Preview(glb, len(small.faces), len(mesh.faces))


def _parts(part_of: NDArray[np.int64], names: tuple[str, ...]) -> list[PartFaces]:
    numbers = np.where(part_of < MAX_NODES, part_of, -1)
    order = np.argsort(numbers, kind="stable")
    found, starts = np.unique(numbers[order], return_index=True)
    groups = np.split(order, starts[1:])
    return [PartFaces(names[part] if part >= 0 else "", group) for part, group in zip(found.tolist(), groups, strict=True)]


def _clustered(mesh: CadMesh, max_faces: int) -> tuple[CadMesh, NDArray[np.int64]]:
    """The mesh on a grid so coarse that few enough faces are left, flat shaded, and which of its faces these are."""
    low = mesh.vertices.min(axis=0)
    extent = float((mesh.vertices.max(axis=0) - low).max()) or 1.0
    cells = _FINEST
    while True:
        places = np.floor((mesh.vertices - low) * (cells / extent)).astype(np.int64)
        keys = (places[:, 0] * (cells + 1) + places[:, 1]) * (cells + 1) + places[:, 2]
        _, first, cell_of = np.unique(keys, return_index=True, return_inverse=True)
        faces = cell_of.reshape(-1)[mesh.faces]
        kept = np.flatnonzero((faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0]))
        _, distinct = np.unique(np.sort(faces[kept], axis=1), axis=0, return_index=True)
        kept = kept[np.sort(distinct)]
        if len(kept) <= max_faces or cells <= 8:
            break
        cells = max(8, int(cells * min(0.8, (max_faces / len(kept)) ** 0.5)))
    kept = kept[:max_faces] if len(kept) else np.arange(min(len(mesh.faces), max_faces))
    small = dataclasses.replace(
        mesh,
        vertices=mesh.vertices[first],
        faces=faces[kept].astype(np.int32),
        corner_normals=None,
        vertex_colors=None if mesh.vertex_colors is None else mesh.vertex_colors[first],
        corner_uv=None if mesh.corner_uv is None else mesh.corner_uv[kept],
        face_materials=mesh.face_materials[kept],
    )
    return small, kept
