"""What every reader of a format is given, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.submesh import Submesh
from serve_app.cad.read_options import ReadOptions
from serve_app.cad.references import ReferenceResolver
from serve_app.cad.textures import TextureStore
from serve_app.cad.units import Unit


@dataclass(frozen=True)
class CadSource:
    """A CAD file that is to be read.

    Attributes:
        data: its bytes.
        suffix: the ending of its name, in small letters.
        resolver: opens the files that it refers to.
        textures: decodes images, and gathers warnings.
        limits: what it may cost.
        options: what is wanted of it.
    """

    data: bytes
    suffix: str
    resolver: ReferenceResolver
    textures: TextureStore
    limits: CadLimits
    options: ReadOptions


@dataclass(frozen=True)
class CadContent:
    """What a file holds.

    Attributes:
        submeshes: all in one frame, in the file's own unit; empty where it has no faces.
        unit: of the file, or None where its format has none.
    """

    submeshes: list[Submesh]
    unit: Unit | None = None


Reader = Callable[[CadSource], CadContent]
"""Reads one format; raises ``ValueError`` with what is wrong, or ``ServiceError`` (``cad_invalid``, ``cad_too_large``)."""
