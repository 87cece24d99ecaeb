"""Turns the bytes of a CAD file into a ``CadMesh``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from render_actor.contract.types import CadMesh
from serve_app.cad.formats.contents import mistaken
from serve_app.cad.formats.reader import CadSource
from serve_app.cad.formats.readers import READERS
from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.checks import check_geometry, oddities
from serve_app.cad.mesh.diameter import diameter
from serve_app.cad.mesh.join import joined
from serve_app.cad.mesh.parts import CadPart, FaceRun, face_runs, only, parts_of
from serve_app.cad.read_options import TESSELLATED, WHOLE, ReadOptions
from serve_app.cad.references import ReferenceResolver
from serve_app.cad.refusals import invalid
from serve_app.cad.textures import TextureStore
from serve_app.cad.units import Unit

FORMATS = tuple(READERS)
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
        unit: of the file, or None where its format has none.
        parts: all its named parts, wanted or not, in the file's order; empty where it names none.
        diameter: largest distance of two vertices of the mesh, in the file's unit; see ``mesh.diameter``.
        face_runs: which of its faces are which part's.
    """

    file_sha256: str
    mesh: CadMesh
    warnings: tuple[str, ...]
    references: dict[str, str | None]
    unit: Unit | None = None
    parts: tuple[CadPart, ...] = ()
    diameter: float = 0.0
    face_runs: tuple[FaceRun, ...] = ()


def cad_key(file_sha256: str, suffix: str, references: dict[str, str | None], options: ReadOptions = WHOLE) -> str:
    """SHA-256 over a CAD's own, its format, every file that it pulled in, and the options that make another mesh of them."""
    digest = hashlib.sha256(bytes.fromhex(file_sha256) + suffix.encode())
    matter = options.that_matter_to(suffix)
    if matter.parts or suffix in TESSELLATED:
        digest.update(f"\0\0{matter.to_json()}".encode())
    for name in sorted(references):
        digest.update(f"\0{name}\0{references[name]}".encode("utf-8", "replace"))
    return digest.hexdigest()


def parse_cad(data: bytes, suffix: str, folder: Path, limits: CadLimits, options: ReadOptions = WHOLE) -> ParsedCad:
    """Read a CAD.

    Args:
        data: the file's bytes.
        suffix: the ending of its name, in any case: the format.
        folder: where its references lie, links resolved.
        limits: what it may cost.
        options: what is wanted of it.

    Raises:
        ServiceError: ``cad_invalid`` when there is no mesh in it that could be rendered, ``cad_too_large``.
    """
    with np.errstate(all="ignore"):  # Overflows end in values that are looked at.
        return _parsed(data, suffix.lower(), folder, limits, options)


def _parsed(data: bytes, suffix: str, folder: Path, limits: CadLimits, options: ReadOptions) -> ParsedCad:
    file_sha256 = hashlib.sha256(data).hexdigest()
    resolver = ReferenceResolver(folder, limits.max_bytes)
    textures = TextureStore(resolver, limits)
    try:
        content = READERS[suffix](CadSource(data, suffix, resolver, textures, limits, options))
        submeshes = only(options.parts, content.submeshes)
        mesh = joined(submeshes, tuple(textures.images)) if submeshes else None
    except ValueError as error:
        raise invalid(f"it cannot be read as {suffix[1:].upper()}: {mistaken(data, suffix) or error}") from error
    if mesh is None:
        if submeshes:
            raise invalid("it holds no faces but such as name one vertex twice")
        raise invalid(mistaken(data, suffix) or "it holds no faces; export its surface as a mesh")
    check_geometry(mesh)
    messages = list(dict.fromkeys([*textures.warnings, *oddities(mesh)]))
    if len(messages) > _MAX_WARNINGS:
        messages[_MAX_WARNINGS - 1 :] = [f"{len(messages) - _MAX_WARNINGS + 1} more warnings of this kind"]
    mesh = CadMesh(**{**vars(mesh), "key": cad_key(file_sha256, suffix, resolver.used, options)})
    parts = parts_of(content.submeshes)
    runs, across = face_runs(submeshes, parts), diameter(mesh.vertices)
    return ParsedCad(file_sha256, mesh, tuple(messages), dict(resolver.used), content.unit, parts, across, runs)
