"""Turns the bytes of a PLY, OBJ or STL file into a ``CadMesh``; trimesh reads the formats."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from render_actor.types import CadMesh, SurfaceMaterial
from serve_app.cad.folder_resolver import FolderResolver
from serve_app.cad.materials import TextureStore, surface_from_mtl
from serve_app.cad.obj_text import with_absolute_indices
from serve_app.errors import ServiceError

FORMATS = (".ply", ".obj", ".stl")
"""File name endings that are read, in any case."""

METRES_BELOW = 2.0
"""A CAD whose bounding box diagonal is shorter than this is taken to be in metres: no part is 2 mm."""


@dataclass(frozen=True)
class ParsedCad:
    """What a CAD file held.

    Attributes:
        mesh: the arrays.
        warnings: sentences for the job.
        references: SHA-256 of every other file that it pulled in, by reference; None for one that is missing.
    """

    mesh: CadMesh
    warnings: tuple[str, ...]
    references: dict[str, str | None]


@dataclass
class _Part:
    """One material's share of a mesh."""

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    corner_normals: NDArray[np.float32] | None
    vertex_colors: NDArray[np.uint8] | None
    corner_uv: NDArray[np.float32] | None
    material: SurfaceMaterial


def invalid(detail: str) -> ServiceError:
    """The error for a file that is there but holds no usable mesh, in the words that users know."""
    return ServiceError("cad_invalid", f"CAD file not found or invalid format: {detail}", "cad_path")


def cad_key(data: bytes, suffix: str, references: dict[str, str | None]) -> str:
    """SHA-256 over a CAD's bytes, its format and every file that it pulled in."""
    digest = hashlib.sha256(hashlib.sha256(data).digest() + suffix.encode())
    for name in sorted(references):
        digest.update(f"\0{name}\0{references[name]}".encode())
    return digest.hexdigest()


def parse_cad(data: bytes, name: str, folder: Path, reference_limit: int) -> ParsedCad:
    """Read a CAD.

    Args:
        data: the file's bytes.
        name: its file name; the ending, in any case, says the format.
        folder: where its references lie, links resolved.
        reference_limit: bytes that one referenced file may have.

    Raises:
        ServiceError: ``cad_invalid`` when there is no mesh in it that could be rendered.
    """
    suffix = Path(name).suffix.lower()
    resolver = FolderResolver(folder, reference_limit)
    textures = TextureStore(resolver)
    try:
        parts = _parts(data, suffix, resolver, textures)
    except ServiceError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # The parsers raise whatever a broken file makes them raise.
        raise invalid(f"{name} cannot be read as {suffix[1:].upper()}: {type(error).__name__}: {error}") from error
    if not parts:
        raise invalid(f"{name} holds no faces")
    mesh = _joined(parts, tuple(textures.images))
    _check_geometry(mesh, name)
    messages = [*_missing_references(resolver, textures), *textures.warnings, *_looks(mesh)]
    key = cad_key(data, suffix, resolver.used)
    mesh = CadMesh(**{**vars(mesh), "key": key})
    return ParsedCad(mesh, tuple(dict.fromkeys(messages)), dict(resolver.used))


def _parts(data: bytes, suffix: str, resolver: FolderResolver, textures: TextureStore) -> list[_Part]:
    options: dict[str, Any] = {}
    if suffix == ".obj":
        data = with_absolute_indices(trimesh.util.decode_text(data)).encode()
    if suffix == ".ply":
        options["fix_texture"] = False
    scene = trimesh.load_scene(io.BytesIO(data), file_type=suffix[1:], resolver=resolver, process=False, **options)
    meshes = [geometry for geometry in scene.geometry.values() if isinstance(geometry, trimesh.Trimesh)]
    meshes = [mesh for mesh in meshes if len(mesh.faces)]
    if suffix == ".ply":
        return [_ply_part(mesh, textures) for mesh in meshes]
    if suffix == ".obj":
        has_normals = re.search(rb"^\s*vn\s", data, re.MULTILINE) is not None
        return [_obj_part(mesh, textures, has_normals=has_normals) for mesh in meshes]
    return [_stl_part(mesh) for mesh in meshes]


def _given_normals(mesh: trimesh.Trimesh) -> NDArray[np.float32] | None:
    """(F, 3, 3) corner normals of a mesh whose file gave some, or None when they are not usable."""
    normals = mesh.vertex_normals
    if len(normals) != len(mesh.vertices) or not np.isfinite(normals).all():
        return None
    return np.asarray(normals, dtype=np.float32)[mesh.faces]


def _ply_part(mesh: trimesh.Trimesh, textures: TextureStore) -> _Part:
    raw = mesh.metadata.get("_ply_raw", {})
    corner_uv = _ply_uv(mesh, raw)
    material = SurfaceMaterial()
    image = getattr(getattr(mesh.visual, "material", None), "image", None)
    if corner_uv is not None and image is not None:
        textures.images.append(np.asarray(image.convert("RGBA")))
        material = SurfaceMaterial(textures={"base_color": len(textures.images) - 1})
    colors = mesh.visual.vertex_colors if mesh.visual.kind in ("vertex", "face") else None
    vertices, faces = np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces)
    # Asked plainly, trimesh invents normals; without given ones the faces are flat, as in Blender.
    properties = raw.get("vertex", {}).get("properties", {})
    normals = _given_normals(mesh) if {"nx", "ny", "nz"} <= set(properties) else None
    if mesh.visual.kind == "face":
        vertices, faces = vertices[faces].reshape(-1, 3), np.arange(faces.size).reshape(-1, 3)
        colors = np.repeat(mesh.visual.face_colors, 3, axis=0)
    return _Part(vertices, faces, normals, None if colors is None else np.asarray(colors, dtype=np.uint8), corner_uv, material)


def _ply_uv(mesh: trimesh.Trimesh, raw: dict[str, Any]) -> NDArray[np.float32] | None:
    """Texture coordinates of each corner: a list a face (``texcoord``) or a pair a vertex."""
    uv = getattr(mesh.visual, "uv", None)
    if uv is None or len(uv) != len(mesh.vertices):
        return None
    try:
        of_faces = np.asarray(raw["face"]["data"]["texcoord"]["f1"], dtype=np.float32)
        if of_faces.size == mesh.faces.size * 2:
            return of_faces.reshape(-1, 3, 2)
    except (KeyError, ValueError, IndexError, TypeError):
        pass
    return np.asarray(uv, dtype=np.float32)[mesh.faces]


def _obj_part(mesh: trimesh.Trimesh, textures: TextureStore, *, has_normals: bool) -> _Part:
    source = getattr(mesh.visual, "material", None)
    material = SurfaceMaterial()
    statements: dict[str, Any] = dict(getattr(source, "kwargs", {}))
    image = getattr(source, "image", None)
    if image is not None and "file_path" in image.info:  # trimesh gives a CAD without a texture a blank one.
        statements["map_kd"] = [image.info["file_path"]]
    if source is not None and statements:
        material = surface_from_mtl(str(source.name), statements, textures)
    uv = getattr(mesh.visual, "uv", None)
    corner_uv = None if uv is None or len(uv) != len(mesh.vertices) else np.asarray(uv, dtype=np.float32)[mesh.faces]
    colors = mesh.visual.vertex_colors if mesh.visual.kind == "vertex" else None
    return _Part(
        np.asarray(mesh.vertices, dtype=np.float64),
        np.asarray(mesh.faces),
        _given_normals(mesh) if has_normals else None,
        None if colors is None else np.asarray(colors, dtype=np.uint8),
        corner_uv,
        material,
    )


def _stl_part(mesh: trimesh.Trimesh) -> _Part:
    return _Part(np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces), None, None, None, SurfaceMaterial())


def _joined(parts: list[_Part], textures: tuple[NDArray[np.uint8], ...]) -> CadMesh:
    """All parts as one mesh; what only some parts have is filled with its neutral value in the others."""
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts)])
    normals = colors = uv = None
    if any(part.corner_normals is not None for part in parts):
        normals = np.concatenate([_flat_normals(p) if p.corner_normals is None else p.corner_normals for p in parts])
    if any(part.vertex_colors is not None for part in parts):
        white = np.full(4, 255, dtype=np.uint8)
        colors = np.concatenate([np.tile(white, (len(p.vertices), 1)) if p.vertex_colors is None else p.vertex_colors for p in parts])
    if any(part.corner_uv is not None for part in parts):
        uv = np.concatenate([np.zeros((len(p.faces), 3, 2), np.float32) if p.corner_uv is None else p.corner_uv for p in parts])
    return CadMesh(
        key="",
        vertices=np.concatenate([part.vertices for part in parts]),
        faces=np.concatenate([part.faces + start for part, start in zip(parts, offsets, strict=False)]).astype(np.int32),
        corner_normals=normals,
        vertex_colors=colors,
        corner_uv=uv,
        face_materials=np.repeat(np.arange(len(parts), dtype=np.int32), [len(part.faces) for part in parts]),
        materials=tuple(part.material for part in parts),
        textures=textures,
    )


def _flat_normals(part: _Part) -> NDArray[np.float32]:
    corners = part.vertices[part.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    unit = np.divide(normals, lengths, out=np.tile([0.0, 0.0, 1.0], (len(normals), 1)), where=lengths > 0)
    return np.repeat(unit[:, None, :], 3, axis=1).astype(np.float32)


def _check_geometry(mesh: CadMesh, name: str) -> None:
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise invalid(f"{name} has faces that refer to vertices it does not have")
    used = mesh.vertices[np.unique(mesh.faces)]
    if not np.isfinite(used).all():
        bad = int((~np.isfinite(used).all(axis=1)).sum())
        raise invalid(f"{name} has {bad} vertices with NaN or infinite coordinates; repair the file")
    if float((used.max(axis=0) - used.min(axis=0)).max()) == 0.0:
        raise invalid(f"{name} has no size: all its vertices lie in one point")


def _missing_references(resolver: FolderResolver, textures: TextureStore) -> list[str]:
    return [
        f"{reference!r}, which the CAD refers to, is not in its folder; rendered without it"
        for reference, digest in resolver.used.items()
        if digest is None and not any(reference in warning for warning in textures.warnings)
    ]


def _looks(mesh: CadMesh) -> list[str]:
    messages = []
    plain = all(material == SurfaceMaterial() for material in mesh.materials)
    if mesh.vertex_colors is None and plain:
        messages.append("the CAD has no colours, texture or material: rendered in a neutral grey")
    diagonal = float(np.linalg.norm(mesh.vertices[mesh.faces].reshape(-1, 3).max(0) - mesh.vertices[mesh.faces].reshape(-1, 3).min(0)))
    if diagonal < METRES_BELOW:
        messages.append(f"the CAD is only {diagonal:.4g} units across: it looks like metres; pass unit=m to get xyz in mm")
    return messages
