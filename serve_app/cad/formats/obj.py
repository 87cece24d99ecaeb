"""Makes a mesh of OBJ files and their .mtl libraries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import SurfaceMaterial
from serve_app.cad.formats.mtl import parse_mtl, surface_from_mtl
from serve_app.cad.formats.obj_reader import FaceGroup, Faces, ObjFile, read_obj
from serve_app.cad.limits import MAX_LIBRARY_BYTES, MAX_MATERIALS, CadLimits
from serve_app.cad.mesh.geometry import custom_normals, smooth_normals
from serve_app.cad.mesh.polygons import concave_warning
from serve_app.cad.mesh.submesh import Submesh, compacted
from serve_app.cad.references import ReferenceResolver, missing
from serve_app.cad.refusals import too_large
from serve_app.cad.textures import TextureStore


def obj_submeshes(data: bytes, resolver: ReferenceResolver, textures: TextureStore, limits: CadLimits) -> list[Submesh]:
    """The submeshes of an OBJ file.

    Args:
        data: the file.
        resolver: gives the libraries.
        textures: decodes the maps, and gathers warnings.
        limits: of the CAD.
    """
    obj = read_obj(data, limits)
    textures.warnings += concave_warning(obj.uncut)
    statements: dict[str, dict[str, list[str]]] = {}
    for library in obj.libraries:
        try:
            statements |= parse_mtl(resolver.get(library, MAX_LIBRARY_BYTES))
        except FileNotFoundError as error:
            textures.warnings.append(missing("material library", library, error))
    used = dict.fromkeys(group.material for group in obj.faces if group.material in statements)
    if len(used) > MAX_MATERIALS:
        too_large(f"it uses {len(used)} materials, more than {MAX_MATERIALS}; merge those that look alike")
    materials = {name: surface_from_mtl(name, statements[name], textures) for name in used if name is not None}
    plain = SurfaceMaterial()
    groups = _merged(obj.faces, materials)
    return [_submesh(obj, group, faces, plain if group.material is None else materials[group.material]) for group, faces in groups.items()]


def _merged(faces: dict[FaceGroup, Faces], materials: dict[str, SurfaceMaterial]) -> dict[FaceGroup, Faces]:
    """Groups with one and the same look as one: a file may name a material for each face, and define none of them."""
    gathered: dict[FaceGroup, list[Faces]] = {}
    for group, share in faces.items():
        known = group if group.material in materials else group._replace(material=None)
        gathered.setdefault(known, []).append(share)
    return {
        group: Faces({kind: np.concatenate([share.indices[kind] for share in shares]) for kind in shares[0].indices})
        for group, shares in gathered.items()
    }


def _submesh(obj: ObjFile, group: FaceGroup, share: Faces, material: SurfaceMaterial) -> Submesh:
    used, faces = compacted(obj.vertices, share.indices["v"])
    vertices = obj.vertices[used]
    normals = None
    if "vn" in share.indices:
        normals = custom_normals(obj.normals[share.indices["vn"]], vertices, faces)
    elif group.smooth:
        normals = smooth_normals(vertices, faces)
    corner_uv = None
    if "vt" in share.indices:
        corner_uv = np.nan_to_num(np.clip(obj.uv[share.indices["vt"]], -1e6, 1e6)).astype(np.float32)
    # Colours of the vertices are not in the format's standard: a material goes before them, as in Blender.
    colors = _bytes(obj.colors[used]) if group.material is None and obj.colors is not None else None
    return Submesh(vertices, faces, normals, colors, corner_uv, material)


def _bytes(colors: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(V, 4) bytes of colours from 0 to 1, or, as some programs write them, to 255."""
    finite = np.nan_to_num(colors)
    scale = 255.0 if finite.max(initial=0.0) <= 1.0 else 1.0
    return np.pad(np.clip(finite * scale, 0, 255).round(), ((0, 0), (0, 1)), constant_values=255).astype(np.uint8)
