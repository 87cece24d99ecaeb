"""A small dataset of CADs, as BOP's are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import trimesh

CADS = {1: "flange.stl", 2: "knot.ply", 3: "crate.obj"}
"""Of the examples, by object id."""


def write_dataset(folder: Path, examples: Path, object_ids: tuple[int, ...] = tuple(CADS)) -> dict[int, trimesh.Trimesh]:
    """Write ``obj_<number>.ply`` and ``models_info.json``; the meshes by object id, mm."""
    folder.mkdir(parents=True)
    meshes = {number: trimesh.load_mesh(examples / CADS[number]) for number in object_ids}
    for number, mesh in meshes.items():
        mesh.visual = trimesh.visual.ColorVisuals(mesh)
        mesh.export(folder / f"obj_{number:06d}.ply")
    (folder / "models_info.json").write_text(json.dumps({number: {"diameter": diameter(mesh)} for number, mesh in meshes.items()}))
    return meshes


def diameter(mesh: trimesh.Trimesh) -> float:
    """Largest distance of two vertices."""
    hull = np.asarray(mesh.convex_hull.vertices)
    return float(np.linalg.norm(hull[:, None] - hull[None], axis=-1).max())
