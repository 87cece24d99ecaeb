"""Turns the bytes of a PLY, OBJ or STL file into a ``CadMesh``; trimesh reads the formats."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from render_actor.types import CadMesh, SurfaceMaterial
from serve_app.cad.folder_resolver import FolderResolver
from serve_app.cad.materials import TextureStore
from serve_app.cad.obj import obj_parts
from serve_app.cad.part import Part, load_meshes
from serve_app.cad.ply import ply_parts
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
        if suffix == ".obj":
            parts = obj_parts(data, resolver, textures)
        elif suffix == ".ply":
            parts = ply_parts(data, textures)
        else:
            parts = _stl_parts(data)
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


def _stl_parts(data: bytes) -> list[Part]:
    """STL has neither colours that others would read nor shared vertices: every face is flat."""
    return [
        Part(np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces), None, None, None, SurfaceMaterial())
        for mesh in load_meshes(data, "stl").values()
    ]


def _joined(parts: list[Part], textures: tuple[NDArray[np.uint8], ...]) -> CadMesh:
    """All parts as one mesh; what only some parts have is filled with its neutral value in the others."""
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts)])
    normals = colors = uv = None
    if any(part.corner_normals is not None for part in parts):
        normals = np.concatenate([p.flat_normals() if p.corner_normals is None else p.corner_normals for p in parts])
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
