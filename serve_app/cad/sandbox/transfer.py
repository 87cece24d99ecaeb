"""Carries a ``ParsedCad`` from the parsing process to the service without pickle, which would run code."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, BinaryIO

import numpy as np

from render_actor.contract.types import CadMesh, SurfaceMaterial
from serve_app.base.errors import ServiceError
from serve_app.base.npy import NPY_HEADERS
from serve_app.cad.mesh.parts import CadPart
from serve_app.cad.parse import ParsedCad

_OPTIONAL = ("corner_normals", "vertex_colors", "corner_uv")


def dump_parsed(parsed: ParsedCad, stream: BinaryIO) -> None:
    """Write one NPZ: the arrays, and the rest as JSON text in the array ``meta``."""
    mesh = parsed.mesh
    arrays: dict[str, Any] = {"vertices": mesh.vertices, "faces": mesh.faces, "face_materials": mesh.face_materials}
    arrays |= {name: getattr(mesh, name) for name in _OPTIONAL if getattr(mesh, name) is not None}
    arrays |= {f"texture_{index}": pixels for index, pixels in enumerate(mesh.textures)}
    meta = {
        "file_sha256": parsed.file_sha256,
        "key": mesh.key,
        "materials": [dataclasses.asdict(material) for material in mesh.materials],
        "textures": len(mesh.textures),
        "warnings": parsed.warnings,
        "references": parsed.references,
        "unit": parsed.unit,
        "parts": [dataclasses.asdict(part) for part in parsed.parts],
        "diameter": parsed.diameter,
        "face_runs": parsed.face_runs,
    }
    _write_npz(stream, arrays, meta)


def dump_error(error: ServiceError, stream: BinaryIO) -> None:
    """Write a refusal in the same form."""
    _write_npz(stream, {}, {"error": {"code": error.code, "detail": error.detail, "field": error.field}})


def _write_npz(stream: BinaryIO, arrays: dict[str, Any], meta: dict[str, Any]) -> None:
    np.savez(stream, allow_pickle=False, meta=np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8), **arrays)


def load_parsed(stream: BinaryIO) -> ParsedCad:
    """Inverse of ``dump_parsed``; raises the ``ServiceError`` of ``dump_error``."""
    with NPY_HEADERS, np.load(stream, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    meta = json.loads(arrays["meta"].tobytes())
    if "error" in meta:
        raise ServiceError(**meta["error"])
    mesh = CadMesh(
        key=meta["key"],
        vertices=arrays["vertices"],
        faces=arrays["faces"],
        face_materials=arrays["face_materials"],
        materials=tuple(_material(fields) for fields in meta["materials"]),
        textures=tuple(arrays[f"texture_{index}"] for index in range(meta["textures"])),
        corner_normals=arrays.get("corner_normals"),
        vertex_colors=arrays.get("vertex_colors"),
        corner_uv=arrays.get("corner_uv"),
    )
    parts = tuple(_part(fields) for fields in meta["parts"])
    runs = tuple((part, count) for part, count in meta["face_runs"])
    warnings, references = tuple(meta["warnings"]), meta["references"]
    return ParsedCad(meta["file_sha256"], mesh, warnings, references, meta["unit"], parts, meta["diameter"], runs)


def _part(fields: dict[str, Any]) -> CadPart:
    return CadPart(**{**fields, "low": tuple(fields["low"]), "high": tuple(fields["high"])})


def _material(fields: dict[str, Any]) -> SurfaceMaterial:
    return SurfaceMaterial(**{**fields, "base_color": tuple(fields["base_color"]), "emission": tuple(fields["emission"])})
