"""Writes the mesh that was rendered as a PLY file in millimetres, for whoever reads the CAD beside its templates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.model_file import MESH_COMMENT
from render_actor.contract.types import CadMesh, SurfaceMaterial

_TYPES = {"f8": "double", "f4": "float", "u1": "uchar"}


def ply_in_mm(mesh: CadMesh, mm: float) -> list[bytes | memoryview]:
    """A mesh as binary PLY, in the CAD's own frame.

    Corners with different normals become vertices of their own. Colours are sRGB with alpha: the vertices' own, or the base colour of the
    material, or what its texture shows at the vertex; a mesh without any look has none.

    Args:
        mesh: in the file's unit.
        mm: millimetres in one of that.

    Returns:
        The header, the vertices and the faces: together the file's bytes.
    """
    source, faces, normals = _split(mesh)
    colors = _colors(mesh, source, faces)
    fields: list[tuple[str, str]] = [(axis, "<f8") for axis in "xyz"]
    fields += [(axis, "<f4") for axis in ("nx", "ny", "nz")] if normals is not None else []
    fields += [(channel, "u1") for channel in ("red", "green", "blue", "alpha")] if colors is not None else []
    vertices = np.empty(len(source), dtype=fields)
    for names, values in ((("x", "y", "z"), mesh.vertices[source] * mm), (("nx", "ny", "nz"), normals)):
        if values is not None:
            for name, column in zip(names, values.T, strict=True):
                vertices[name] = column
    if colors is not None:
        for name, column in zip(("red", "green", "blue", "alpha"), colors.T, strict=True):
            vertices[name] = column
    triangles = np.empty(len(faces), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    triangles["count"], triangles["corners"] = 3, faces
    header = ["ply", "format binary_little_endian 1.0", f"comment {MESH_COMMENT}", f"element vertex {len(vertices)}"]
    header += [f"property {_TYPES[kind.lstrip('<')]} {name}" for name, kind in fields]
    header += [f"element face {len(triangles)}", "property list uchar int vertex_indices", "end_header", ""]
    return ["\n".join(header).encode(), _bytes(vertices), _bytes(triangles)]


def _bytes(rows: NDArray[Any]) -> memoryview:
    return rows.view(np.uint8).data


def _split(mesh: CadMesh) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32] | None]:
    """Give each vertex one normal.

    Returns:
        (N,) the mesh's vertex that each is; (F, 3) the faces in terms of them; and (N, 3) the normals, or None for flat shading.
    """
    if mesh.corner_normals is None:
        return np.arange(len(mesh.vertices)), mesh.faces, None
    corners = mesh.faces.ravel()
    normals = mesh.corner_normals.reshape(-1, 3) + np.float32(0.0)  # Not -0: it is another one by its bits.
    own = np.empty((len(mesh.vertices), 3), dtype=np.float32)
    own[corners] = normals
    others = np.flatnonzero((own[corners] != normals).any(axis=1))  # Few: along sharp edges.
    bits = normals[others].view(np.uint32)
    order = np.lexsort((bits[:, 2], bits[:, 1], bits[:, 0], corners[others]))
    ordered = np.column_stack([corners[others[order]].astype(np.uint32), bits[order]])
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    faces = corners.copy()
    faces[others[order]] = len(own) + np.cumsum(begins) - 1
    first = others[order[begins]]
    source = np.concatenate([np.arange(len(own)), corners[first]])
    return source, faces.reshape(-1, 3), np.concatenate([own, normals[first]])


def _colors(mesh: CadMesh, source: NDArray[np.int64], faces: NDArray[np.int32]) -> NDArray[np.uint8] | None:
    """(N, 4) uint8 sRGB with alpha, or None where the mesh has no look of its own."""
    textured = [slot for slot, material in enumerate(mesh.materials) if "base_color" in material.textures and mesh.corner_uv is not None]
    if mesh.vertex_colors is not None:
        colors = mesh.vertex_colors[source].copy()
    elif textured or any(material.base_color != SurfaceMaterial().base_color for material in mesh.materials):
        of_materials = np.array([_srgb(material) for material in mesh.materials], dtype=np.uint8)
        colors = np.full((len(source), 4), 255, dtype=np.uint8)
        colors[faces] = of_materials[mesh.face_materials][:, None, :]
    else:
        return None
    for slot in textured:
        assert mesh.corner_uv is not None
        own = mesh.face_materials == slot
        colors[faces[own]] = _sampled(mesh.textures[mesh.materials[slot].textures["base_color"]], mesh.corner_uv[own])
    return colors


def _sampled(image: NDArray[np.uint8], uv: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(F, 3, 4) the pixels of a texture, which repeats, at (F, 3, 2) coordinates with their origin at its lower left."""
    height, width = image.shape[:2]
    column = np.floor(uv[..., 0].astype(np.float64) * width).astype(np.int64) % width
    row = np.floor(uv[..., 1].astype(np.float64) * height).astype(np.int64) % height
    return np.asarray(image[height - 1 - row, column])


def _srgb(material: SurfaceMaterial) -> list[int]:
    linear = np.clip(material.base_color, 0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return [*np.round(encoded * 255).astype(int).tolist(), round(min(max(material.alpha, 0.0), 1.0) * 255)]
