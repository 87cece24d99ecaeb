"""Turns the bytes of a PLY, OBJ or STL file into a ``CadMesh``; trimesh reads the formats."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from trimesh.resolvers import Resolver

from render_actor.types import CadMesh, SurfaceMaterial
from serve_app.cad.folder_resolver import FolderResolver
from serve_app.cad.materials import TextureStore, surface_from_mtl
from serve_app.cad.obj_text import FaceGroup, normalised_obj, parse_mtl
from serve_app.errors import ServiceError

FORMATS = (".ply", ".obj", ".stl")
"""File name endings that are read, in any case."""

_STL_HEADER = 84

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
        hint = "; its length does not fit the number of triangles in its header" if suffix == ".stl" and len(data) > _STL_HEADER else ""
        raise invalid(f"{name} holds no faces{hint}")
    mesh = _joined(parts, tuple(textures.images))
    _check_geometry(mesh, name)
    messages = [*_missing_references(resolver, textures), *textures.warnings, *_looks(mesh)]
    key = cad_key(data, suffix, resolver.used)
    mesh = CadMesh(**{**vars(mesh), "key": key})
    return ParsedCad(mesh, tuple(dict.fromkeys(messages)), dict(resolver.used))


def _parts(data: bytes, suffix: str, resolver: FolderResolver, textures: TextureStore) -> list[_Part]:
    if suffix == ".obj":
        return _obj_parts(trimesh.util.decode_text(data), resolver, textures)
    if suffix == ".ply":
        return [_ply_part(mesh, data, textures) for mesh in _ply_meshes(data)]
    return [_stl_part(mesh) for mesh in _meshes(data, "stl")]


class _NoFiles(Resolver):
    """Gives a parser nothing but the texts it is made with: references are resolved by us, not by trimesh."""

    def __init__(self, texts: dict[str, bytes] | None = None) -> None:
        self._texts = texts or {}

    def get(self, key: str) -> bytes:
        if key not in self._texts:
            raise FileNotFoundError(key)
        return self._texts[key]

    def keys(self) -> list[str]:
        return list(self._texts)

    def write(self, name: str, data: Any) -> None:
        raise PermissionError(name)

    def namespaced(self, namespace: str) -> _NoFiles:
        raise PermissionError(namespace)


def _meshes(data: bytes, kind: str, resolver: Resolver | None = None, **options: Any) -> list[trimesh.Trimesh]:
    scene = trimesh.load_scene(io.BytesIO(data), file_type=kind, resolver=resolver or _NoFiles(), process=False, **options)
    return [mesh for mesh in scene.geometry.values() if isinstance(mesh, trimesh.Trimesh) and len(mesh.faces)]


def _ply_meshes(data: bytes) -> list[trimesh.Trimesh]:
    try:
        return _meshes(data, "ply", fix_texture=False, skip_materials=True)
    except Exception:
        # trimesh cannot split polygons that carry lists or colours of their own: read the shape alone.
        end = data.find(b"end_header")
        header = _FACE_EXTRAS.sub(lambda match: match.group(1) + b"ignored_" + match.group(2), data[:end])
        if header == data[:end]:
            raise
        return _meshes(header + data[end:], "ply", fix_texture=False, skip_materials=True)


_FACE_EXTRAS = re.compile(rb"(property[^\n]*\s)(texcoord|texnumber|red|green|blue|alpha)(?=\s)")
_TEXTURE_FILE = re.compile(rb"^comment\s+TextureFile\s+(.+?)\s*$", re.MULTILINE | re.IGNORECASE)


def _ply_part(mesh: trimesh.Trimesh, data: bytes, textures: TextureStore) -> _Part:
    raw = mesh.metadata.get("_ply_raw", {})
    corner_uv = _ply_uv(mesh, raw)
    material = SurfaceMaterial()
    named = _TEXTURE_FILE.search(data[: data.index(b"end_header")])
    if corner_uv is not None and named is not None:
        index = textures.index_of(named.group(1).decode(errors="replace"))
        material = SurfaceMaterial(textures={} if index is None else {"base_color": index})
    vertices, faces = np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces)
    # Asked plainly, trimesh invents normals; without given ones the faces are flat, as in Blender.
    properties = raw.get("vertex", {}).get("properties", {})
    normals = _corner_normals(mesh) if {"nx", "ny", "nz"} <= set(properties) else None
    colors = _ply_colors(raw, len(mesh.vertices))
    if colors is None and mesh.visual.kind == "face":
        vertices, faces = vertices[faces].reshape(-1, 3), np.arange(faces.size).reshape(-1, 3)
        colors = np.repeat(np.asarray(mesh.visual.face_colors, dtype=np.uint8), 3, axis=0)
    return _Part(vertices, faces, normals, colors, corner_uv, material)


def _ply_colors(raw: dict[str, Any], count: int) -> NDArray[np.uint8] | None:
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


def _ply_uv(mesh: trimesh.Trimesh, raw: dict[str, Any]) -> NDArray[np.float32] | None:
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


def _corner_normals(mesh: trimesh.Trimesh) -> NDArray[np.float32] | None:
    """(F, 3, 3) corner normals of a mesh whose file gave some, or None when they are not usable."""
    normals = np.asarray(mesh.vertex_normals, dtype=np.float32)
    return normals[mesh.faces] if np.isfinite(normals).all() else None


def _obj_parts(text: str, resolver: FolderResolver, textures: TextureStore) -> list[_Part]:
    obj = normalised_obj(text)
    statements: dict[str, dict[str, list[str]]] = {}
    for library in obj.libraries:
        with contextlib.suppress(FileNotFoundError):
            statements |= parse_mtl(trimesh.util.decode_text(resolver.get(library)))
    # trimesh keeps the name of a material only when it is in a library: give it one that names the groups.
    library_text = "".join(f"newmtl {name}\nKd 1 1 1\n" for name in obj.groups)
    meshes = _meshes(obj.text.encode(), "obj", _NoFiles({"groups": library_text.encode()}))
    used = {group.material for group in obj.groups.values() if group.material in statements}
    materials: dict[str | None, SurfaceMaterial] = {name: surface_from_mtl(name, statements[name], textures) for name in used if name}
    return [_obj_part(mesh, group, materials.get(group.material)) for mesh in meshes for group in [obj.groups[mesh.visual.material.name]]]


def _obj_part(mesh: trimesh.Trimesh, group: FaceGroup, material: SurfaceMaterial | None) -> _Part:
    vertices, faces = np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces)
    normals = None
    if group.has_normals:
        normals = _corner_normals(mesh)
    elif group.smooth:
        # Corners that differ only in their texture coordinate are one point of the surface.
        points, inverse = np.unique(vertices, axis=0, return_inverse=True)
        normals = _corner_normals(trimesh.Trimesh(points, inverse.reshape(-1)[faces], process=False))
    uv = getattr(mesh.visual, "uv", None)
    corner_uv = np.asarray(uv, dtype=np.float32)[faces] if group.has_uv and uv is not None and len(uv) == len(vertices) else None
    colors = mesh.visual.vertex_colors if mesh.visual.kind == "vertex" else None
    colors = None if colors is None else np.asarray(colors, dtype=np.uint8)
    return _Part(vertices, faces, normals, colors, corner_uv, material or SurfaceMaterial())


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
    faces = np.concatenate([part.faces + start for part, start in zip(parts, offsets, strict=False)])
    vertices = np.concatenate([part.vertices for part in parts])
    if faces.size and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise invalid("it has faces that refer to vertices it does not have")
    # A vertex that no face uses must not decide where the object is.
    used, faces = np.unique(faces, return_inverse=True)
    return CadMesh(
        key="",
        vertices=vertices[used],
        faces=faces.reshape(-1, 3).astype(np.int32),
        corner_normals=normals,
        vertex_colors=None if colors is None else colors[used],
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
    finite = np.isfinite(mesh.vertices).all(axis=1)
    if not finite.all():
        raise invalid(f"{name} has {int((~finite).sum())} vertices with NaN or infinite coordinates; repair the file")
    if float(np.ptp(mesh.vertices, axis=0).max()) == 0.0:
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
    diagonal = float(np.linalg.norm(np.ptp(mesh.vertices, axis=0)))
    if diagonal < METRES_BELOW:
        messages.append(f"the CAD is only {diagonal:.4g} units across: it looks like metres; pass unit=m to get xyz in mm")
    return messages
