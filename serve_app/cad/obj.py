"""Reads OBJ files and their .mtl libraries."""

from __future__ import annotations

import contextlib

import numpy as np
import trimesh

from render_actor.types import SurfaceMaterial
from serve_app.cad.folder_resolver import FolderResolver
from serve_app.cad.materials import TextureStore, surface_from_mtl
from serve_app.cad.obj_text import FaceGroup, normalised_obj, parse_mtl
from serve_app.cad.part import Part, corner_normals, load_meshes


def obj_parts(data: bytes, resolver: FolderResolver, textures: TextureStore) -> list[Part]:
    """The parts of an OBJ file.

    Args:
        data: the file.
        resolver: gives the libraries.
        textures: decodes the maps.
    """
    text = trimesh.util.decode_text(data)
    obj = normalised_obj(text)
    statements: dict[str, dict[str, list[str]]] = {}
    for library in obj.libraries:
        with contextlib.suppress(FileNotFoundError):
            statements |= parse_mtl(trimesh.util.decode_text(resolver.get(library)))
    meshes = load_meshes(obj.text.encode(), "obj", split_objects=True, group_material=False, skip_materials=True)
    used = {group.material for group in obj.groups.values() if group.material in statements}
    materials: dict[str | None, SurfaceMaterial] = {name: surface_from_mtl(name, statements[name], textures) for name in used if name}
    return [_part(mesh, obj.groups[name], materials.get(obj.groups[name].material)) for name, mesh in meshes.items()]


def _part(mesh: trimesh.Trimesh, group: FaceGroup, material: SurfaceMaterial | None) -> Part:
    vertices, faces = np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces)
    normals = None
    if group.has_normals:
        normals = corner_normals(mesh)
    elif group.smooth:
        # Corners that differ only in their texture coordinate are one point of the surface.
        points, inverse = np.unique(vertices, axis=0, return_inverse=True)
        normals = corner_normals(trimesh.Trimesh(points, inverse.reshape(-1)[faces], process=False))
    uv = getattr(mesh.visual, "uv", None)
    corner_uv = np.asarray(uv, dtype=np.float32)[faces] if group.has_uv and uv is not None and len(uv) == len(vertices) else None
    # Colours of the vertices are not in the format's standard: a material goes before them, as in Blender.
    colored = material is None and mesh.visual.kind == "vertex"
    colors = np.asarray(mesh.visual.vertex_colors, dtype=np.uint8) if colored else None
    return Part(vertices, faces, normals, colors, corner_uv, material or SurfaceMaterial())
