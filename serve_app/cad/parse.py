"""Turns the bytes of a PLY, OBJ or STL file into a ``CadMesh``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import CadMesh, SurfaceMaterial
from serve_app.cad.formats.mtl import TextureStore
from serve_app.cad.formats.obj import obj_parts
from serve_app.cad.formats.ply import ply_parts
from serve_app.cad.formats.stl import stl_parts
from serve_app.cad.limits import CadLimits, invalid
from serve_app.cad.mesh.geometry import bounds, twice_areas
from serve_app.cad.mesh.submesh import Part, compacted
from serve_app.cad.references import FolderResolver
from serve_app.cad.text.encoding import as_utf8

FORMATS = (".ply", ".obj", ".stl")
"""File name endings that are read, in any case."""

METRES_BELOW = 2.0
"""A CAD whose bounding box diagonal is shorter than this is taken to be in metres: no part is 2 mm."""

_SMALLEST = 1e-6
"""Size of the smallest CAD: a nanometre, or a micrometre of one in metres. Much below, its scaling overflows."""

_LARGEST = 1e9
"""Coordinates of the largest CAD, in its own unit: a thousand kilometres. Far above, 32-bit arithmetic overflows."""

_THINNEST = 1e-12
"""Twice the area of the largest face, for a CAD of size 1, below which there is nothing to see."""

_MOST_LAYERS = 1000
"""Area of all faces, for a CAD of size 1. A ray meets as many faces as lie over each other: a million that fill the image would
keep a renderer for minutes a view."""

_MAX_WARNINGS = 20
"""Warnings that one CAD may cause, in a job's record and log."""


@dataclass(frozen=True)
class ParsedCad:
    """What a CAD file held.

    Attributes:
        file_sha256: SHA-256 of the file alone.
        mesh: the arrays.
        warnings: sentences for the job.
        references: SHA-256 of every other file that it pulled in, by reference; None for one that is missing.
    """

    file_sha256: str
    mesh: CadMesh
    warnings: tuple[str, ...]
    references: dict[str, str | None]


def cad_key(file_sha256: str, suffix: str, references: dict[str, str | None]) -> str:
    """SHA-256 over a CAD's own, its format and every file that it pulled in."""
    digest = hashlib.sha256(bytes.fromhex(file_sha256) + suffix.encode())
    for name in sorted(references):
        digest.update(f"\0{name}\0{references[name]}".encode("utf-8", "replace"))
    return digest.hexdigest()


def parse_cad(data: bytes, suffix: str, folder: Path, limits: CadLimits) -> ParsedCad:
    """Read a CAD.

    Args:
        data: the file's bytes.
        suffix: the ending of its name, in any case: the format.
        folder: where its references lie, links resolved.
        limits: what it may cost.

    Raises:
        ServiceError: ``cad_invalid`` when there is no mesh in it that could be rendered, ``cad_too_large``.
    """
    with np.errstate(all="ignore"):  # Overflows end in values that are looked at.
        return _parsed(data, suffix.lower(), folder, limits)


def _parsed(data: bytes, suffix: str, folder: Path, limits: CadLimits) -> ParsedCad:
    file_sha256 = hashlib.sha256(data).hexdigest()
    resolver = FolderResolver(folder, limits.max_bytes)
    textures = TextureStore(resolver, limits)
    data = as_utf8(data)
    try:
        if suffix == ".obj":
            parts = obj_parts(data, resolver, textures, limits)
        elif suffix == ".ply":
            parts = ply_parts(data, textures, limits)
        else:
            parts = stl_parts(data, limits)
        mesh = _joined(parts, tuple(textures.images)) if parts else None
    except ValueError as error:
        raise invalid(f"it cannot be read as {suffix[1:].upper()}: {error}") from error
    if mesh is None:
        raise invalid("it holds no faces" + (" but such as name one vertex twice" if parts else ""))
    _check_geometry(mesh)
    messages = list(dict.fromkeys([*textures.warnings, *_looks(mesh)]))
    if len(messages) > _MAX_WARNINGS:
        messages[_MAX_WARNINGS - 1 :] = [f"{len(messages) - _MAX_WARNINGS + 1} more warnings of this kind"]
    mesh = CadMesh(**{**vars(mesh), "key": cad_key(file_sha256, suffix, resolver.used)})
    return ParsedCad(file_sha256, mesh, tuple(messages), dict(resolver.used))


def _joined(parts: list[Part], textures: tuple[NDArray[np.uint8], ...]) -> CadMesh | None:
    """All parts as one mesh; what only some parts have is filled with its neutral value in the others. None without faces."""
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
    materials = {id(part.material): part.material for part in parts}  # Each is a shader: parts with one material share it.
    slots = {identity: slot for slot, identity in enumerate(materials)}
    of_parts = np.array([slots[id(part.material)] for part in parts], dtype=np.int32)
    face_materials = np.repeat(of_parts, [len(part.faces) for part in parts])
    # A face that names a vertex twice is nothing to see, and with custom normals it kills Blender.
    first, second, third = faces.T
    proper = (first != second) & (second != third) & (third != first)
    if not proper.all():
        faces, face_materials = faces[proper], face_materials[proper]
        normals, uv = (None if values is None else values[proper] for values in (normals, uv))
    if not len(faces):
        return None
    # A vertex that no face uses must not decide where the object is.
    used, faces = compacted(vertices, faces)
    return CadMesh(
        key="",
        vertices=vertices[used],
        faces=faces.astype(np.int32),
        corner_normals=normals,
        vertex_colors=None if colors is None else colors[used],
        corner_uv=uv,
        face_materials=face_materials,
        materials=tuple(materials.values()),
        textures=textures,
    )


def _check_geometry(mesh: CadMesh) -> None:
    finite = np.isfinite(mesh.vertices)
    if not finite.all():
        raise invalid(f"it has {int((~finite.all(axis=1)).sum())} vertices with NaN or infinite coordinates; repair the file")
    low, high = bounds(mesh.vertices)
    if np.abs([low, high]).max() > _LARGEST:
        raise invalid(f"its coordinates reach {np.abs([low, high]).max():.4g}; repair the file")
    size = float((high - low).max())
    if size < _SMALLEST:
        raise invalid("it has no size: all its vertices lie in one point" + (f" within {size:.4g}" if size else ""))
    corners = (mesh.vertices - low)[mesh.faces] / size
    areas = twice_areas(corners)
    if areas.max() < _THINNEST:
        raise invalid("it has no surface: all its faces are lines or points")
    if areas.sum() / 2 > _MOST_LAYERS:
        raise invalid(f"its faces lie over each other, {areas.sum() / 2:.4g} times as much as would cover it; remove those that are double")


def _looks(mesh: CadMesh) -> list[str]:
    messages = []
    plain = all(material == SurfaceMaterial() for material in mesh.materials)
    if mesh.vertex_colors is None and plain:
        messages.append("the CAD has no colours, texture or material: rendered in a neutral grey")
    low, high = bounds(mesh.vertices)
    diagonal = float(np.linalg.norm(high - low))
    if diagonal < METRES_BELOW:
        messages.append(f"the CAD is only {diagonal:.4g} units across: it looks like metres; pass unit=m to get xyz in mm")
    return messages
