"""Turns the bytes of a PLY, OBJ or STL file into a ``CadMesh``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from render_actor.contract.types import CadMesh
from serve_app.cad.formats.obj import obj_submeshes
from serve_app.cad.formats.ply import ply_submeshes
from serve_app.cad.formats.stl import stl_submeshes
from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.checks import check_geometry, oddities
from serve_app.cad.mesh.join import joined
from serve_app.cad.references import ReferenceResolver
from serve_app.cad.refusals import invalid
from serve_app.cad.text.encoding import as_utf8
from serve_app.cad.textures import TextureStore

FORMATS = (".ply", ".obj", ".stl")
"""File name endings that are read, in any case."""

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
    resolver = ReferenceResolver(folder, limits.max_bytes)
    textures = TextureStore(resolver, limits)
    data = as_utf8(data)
    try:
        if suffix == ".obj":
            submeshes = obj_submeshes(data, resolver, textures, limits)
        elif suffix == ".ply":
            submeshes = ply_submeshes(data, textures, limits)
        else:
            submeshes = stl_submeshes(data, limits)
        mesh = joined(submeshes, tuple(textures.images)) if submeshes else None
    except ValueError as error:
        raise invalid(f"it cannot be read as {suffix[1:].upper()}: {error}") from error
    if mesh is None:
        raise invalid("it holds no faces" + (" but such as name one vertex twice" if submeshes else ""))
    check_geometry(mesh)
    messages = list(dict.fromkeys([*textures.warnings, *oddities(mesh)]))
    if len(messages) > _MAX_WARNINGS:
        messages[_MAX_WARNINGS - 1 :] = [f"{len(messages) - _MAX_WARNINGS + 1} more warnings of this kind"]
    mesh = CadMesh(**{**vars(mesh), "key": cad_key(file_sha256, suffix, resolver.used)})
    return ParsedCad(file_sha256, mesh, tuple(messages), dict(resolver.used))
