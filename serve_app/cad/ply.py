"""Reads PLY files."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from render_actor.types import SurfaceMaterial
from serve_app.cad.materials import TextureStore
from serve_app.cad.part import Part, corner_normals, load_meshes

_READ = {"fix_texture": False, "skip_materials": True}
_FACE_EXTRAS = re.compile(rb"(property[^\n]*\s)(texcoord|texnumber|red|green|blue|alpha)(?=\s)")
_TEXTURE_FILE = re.compile(rb"^comment\s+TextureFile\s+(.+?)\s*$", re.MULTILINE | re.IGNORECASE)


def ply_parts(data: bytes, textures: TextureStore) -> list[Part]:
    """The parts of a PLY file.

    Args:
        data: the file.
        textures: decodes the file named by ``comment TextureFile``, and gathers warnings.
    """
    try:
        meshes = load_meshes(data, "ply", **_READ)
    except Exception:
        plain = _without_face_extras(data)
        if plain == data:
            raise
        meshes = load_meshes(plain, "ply", **_READ)
        textures.warnings.append("the faces' own texture coordinates or colours could not be read beside polygons; rendered without them")
    return [_part(mesh, data, textures) for mesh in meshes.values()]


def _without_face_extras(data: bytes) -> bytes:
    """The file with the faces' lists and colours renamed: trimesh cannot split polygons that carry any."""
    start, end = data.find(b"element face"), data.find(b"end_header")
    if not 0 <= start < end:
        return data
    header = _FACE_EXTRAS.sub(lambda match: match.group(1) + b"ignored_" + match.group(2), data[start:end])
    return data[:start] + header + data[end:]


def _part(mesh: trimesh.Trimesh, data: bytes, textures: TextureStore) -> Part:
    raw = mesh.metadata.get("_ply_raw", {})
    corner_uv = _corner_uv(mesh, raw)
    material = SurfaceMaterial()
    named = _TEXTURE_FILE.search(data[: data.index(b"end_header")])
    if corner_uv is not None and named is not None:
        index = textures.index_of(named.group(1).decode(errors="replace"))
        material = SurfaceMaterial(textures={} if index is None else {"base_color": index})
    vertices, faces = np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces)
    # Asked plainly, trimesh invents normals; without given ones the faces are flat, as in Blender.
    properties = raw.get("vertex", {}).get("properties", {})
    normals = corner_normals(mesh) if {"nx", "ny", "nz"} <= set(properties) else None
    colors = _colors(raw, len(mesh.vertices))
    if colors is None and mesh.visual.kind == "face":
        vertices, faces = vertices[faces].reshape(-1, 3), np.arange(faces.size).reshape(-1, 3)
        colors = np.repeat(np.asarray(mesh.visual.face_colors, dtype=np.uint8), 3, axis=0)
    return Part(vertices, faces, normals, colors, corner_uv, material)


def _colors(raw: dict[str, Any], count: int) -> NDArray[np.uint8] | None:
    """(V, 4) vertex colours, from 8-bit, 16-bit or 0..1 channels."""
    try:
        data = raw["vertex"]["data"]
        channels = [np.asarray(data[name]).reshape(-1) for name in ("red", "green", "blue")]
    except (KeyError, ValueError, IndexError, TypeError):
        return None
    if any(len(channel) != count for channel in channels):
        return None
    try:
        channels.append(np.asarray(data["alpha"]).reshape(-1))
    except (KeyError, ValueError, IndexError):
        channels.append(np.full(count, 255, dtype=np.uint8))
    return np.stack([_as_bytes(channel) for channel in channels], axis=1)


def _as_bytes(channel: NDArray[Any]) -> NDArray[np.uint8]:
    if channel.dtype.kind == "f":
        return np.clip(np.nan_to_num(channel) * 255, 0, 255).round().astype(np.uint8)
    if channel.dtype.itemsize == 2:
        return (channel.astype(np.float64) / 257).round().astype(np.uint8)
    return channel.astype(np.uint8)


def _corner_uv(mesh: trimesh.Trimesh, raw: dict[str, Any]) -> NDArray[np.float32] | None:
    """Texture coordinates of each corner: a list a face (``texcoord``) or a pair a vertex."""
    uv = getattr(mesh.visual, "uv", None)
    if uv is None or len(uv) != len(mesh.vertices):
        return None
    try:
        listed = raw["face"]["data"]["texcoord"]
        names = getattr(getattr(listed, "dtype", None), "names", None)
        of_faces = np.asarray(listed["f1"] if names else listed, dtype=np.float32)
        if of_faces.size == mesh.faces.size * 2:
            return of_faces.reshape(-1, 3, 2)
    except (KeyError, ValueError, IndexError, TypeError):
        pass
    return np.asarray(uv, dtype=np.float32)[mesh.faces]
