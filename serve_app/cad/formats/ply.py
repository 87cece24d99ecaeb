"""Makes a mesh of a PLY file's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import SurfaceMaterial
from serve_app.cad.formats.ply_header import Element
from serve_app.cad.formats.ply_reader import read_ply
from serve_app.cad.formats.ply_strips import strip_triangles
from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.geometry import custom_normals
from serve_app.cad.mesh.polygons import concave_warning, triangulated
from serve_app.cad.mesh.submesh import Submesh
from serve_app.cad.refusals import unknown_to_trimesh
from serve_app.cad.textures import TextureStore

_UV_NAMES = (("texture_u", "texture_v"), ("u", "v"), ("s", "t"))


def ply_submeshes(data: bytes, textures: TextureStore, limits: CadLimits) -> list[Submesh]:
    """The one submesh of a PLY file, or none when it has no faces.

    Args:
        data: the file.
        textures: decodes the file named by ``comment TextureFile``, and gathers warnings.
        limits: of the CAD.
    """
    ply = read_ply(data, limits)
    vertex, face = ply.elements.get("vertex"), ply.elements.get("face")
    vertices = vertex.columns("x", "y", "z") if vertex is not None else None
    corners = face.lists("vertex_indices", "vertex_index") if face is not None else None
    if corners is None and vertices is not None and (strips := ply.elements.get("tristrips")) is not None:
        face, corners = strips, strip_triangles(strips.lists("vertex_indices", "vertex_index"), limits)
        textures.warnings.append(unknown_to_trimesh("triangle strips"))
    if vertex is None or face is None or vertices is None or corners is None or not len(corners.values):
        return []
    limits.check_faces(int(np.maximum(corners.counts - 2, 0).sum()))
    if corners.counts.max() < 3:
        return []
    vertices, indices = vertices.astype(np.float64), _indices(corners.values, len(vertices))
    places, polygon, uncut = triangulated(vertices, indices, corners.counts)
    textures.warnings += concave_warning(uncut)
    faces = indices[places]

    corner_uv = _corner_uv(vertex, face, corners.counts, places, faces)
    material = SurfaceMaterial()
    if corner_uv is not None and ply.texture_file is not None:
        index = textures.index_of(ply.texture_file)
        material = SurfaceMaterial(textures={} if index is None else {"base_color": index})
    # Without given normals the faces are flat, as in Blender.
    directions = vertex.columns("nx", "ny", "nz")
    normals = None if directions is None else custom_normals(directions.astype(np.float64)[faces], vertices, faces)
    colors = _colors(vertex)
    of_faces = _colors(face) if colors is None and face.count == len(corners.counts) else None
    if of_faces is not None:
        vertices, faces = vertices[faces].reshape(-1, 3), np.arange(faces.size).reshape(-1, 3)
        colors = np.repeat(of_faces[polygon], 3, axis=0)
    return [Submesh(vertices, faces, normals, colors, corner_uv, material)]


def _indices(values: NDArray[Any], count: int) -> NDArray[np.int64]:
    if values.dtype.kind == "f":
        raise ValueError("its header declares the faces' vertices as other than whole numbers")
    if values.min() < 0 or values.max() >= count:
        raise ValueError(
            f"it has faces that refer to vertices it does not have: it has {count}, and they name {values.min()} to {values.max()}"
        )
    return values.astype(np.int64)


def _colors(element: Element) -> NDArray[np.uint8] | None:
    """(N, 4) colours, from 8-bit, 16-bit or 0..1 channels; opaque unless there is an alpha."""
    channels = [element.column(name) for name in ("red", "green", "blue", "alpha")]
    if any(channel is None for channel in channels[:3]):
        return None
    opaque = np.full(element.count, 255, dtype=np.uint8)
    return np.stack([opaque if channel is None else _as_bytes(channel) for channel in channels], axis=1)


def _as_bytes(channel: NDArray[Any]) -> NDArray[np.uint8]:
    if channel.dtype.kind == "f":
        return np.clip(np.nan_to_num(channel.astype(np.float64)) * 255, 0, 255).round().astype(np.uint8)
    if channel.dtype.itemsize == 2:
        return (channel.astype(np.float64) / 257).clip(0, 255).round().astype(np.uint8)
    return channel.clip(0, 255).astype(np.uint8)


def _corner_uv(
    vertex: Element, face: Element, counts: NDArray[np.int64], places: NDArray[np.int64], faces: NDArray[np.int64]
) -> NDArray[np.float32] | None:
    """(T, 3, 2) texture coordinates: a list a face (``texcoord``) or a pair a vertex."""
    listed = face.lists("texcoord")
    if listed is not None and (listed.counts == 2 * counts).all():
        return _finite(listed.values.reshape(-1, 2)[places])
    for names in _UV_NAMES:
        pairs = vertex.columns(*names)
        if pairs is not None:
            return _finite(pairs[faces])
    return None


def _finite(uv: NDArray[Any]) -> NDArray[np.float32]:
    return np.nan_to_num(np.clip(uv.astype(np.float64), -1e6, 1e6)).astype(np.float32)
