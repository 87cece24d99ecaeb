"""``POST /api/v1/cad/inspect``: what a CAD is, before anything is rendered of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from serve_app.cad.read_options import ReadOptions
from serve_app.http.cad_answer import CadFacts
from serve_app.http.dependencies import Service
from serve_app.http.errors import failures
from serve_app.http.json_body import JsonRoute
from serve_app.http.requests import InspectRequest

router = APIRouter(route_class=JsonRoute, tags=["cad"])

_EXAMPLE: dict[str, Any] = {
    **{"format": "stl", "unit": "mm", "unit_from": "assumed", "size_mm": [5.0, 2.5, 1.4], "diameter_mm": 5.76281181},
    **{"vertices": 512, "faces": 1020, "part_count": 0, "materials": 1, "textures": 0, "vertex_colors": False, "parts": []},
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "assumed": ["its unit is mm: a .stl file says none", "ISM and PEM are given this file: they read it, and it is in mm"],
    "warnings": [
        "the CAD has no colours, texture or material: rendered in a neutral grey",
        "the CAD is 5 x 2.5 x 1.4 mm in millimetres (assumed): smaller than most parts that robots handle (5 mm to 2 m); in inches it is "
        "127 x 63.5 x 35.6 mm; in metres it is 5 x 2.5 x 1.4 m; pass unit=inch or unit=m if that is meant",
    ],
}


class PartInfo(BaseModel):
    """A named part of an assembly."""

    name: str
    faces: int = Field(description="Triangles.")
    size_mm: list[float] = Field(min_length=3, max_length=3, description="Extents of its bounding box along x, y and z in mm.")


class CadInspected(CadFacts):
    """What a CAD is, and what a job would make of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    sha256: str = Field(description="Of the file, in hex: by it a client knows whether the server sees the same file.")
    parts: list[PartInfo] = Field(description="The first 1000 of all its named parts, wanted or not, in the file's order.")
    assumed: list[str] = Field(description="Sentences: what a job takes for granted unless its options say otherwise.")
    warnings: list[str] = Field(description="Sentences: what may not be as its owner meant it. A job has the same.")


_FAILURES = failures(403, 404, 408, 409, 410, 413, 415, 422, 429, 500, 503, 507)


_GLB = {
    "description": "The mesh as binary glTF.",
    "content": {"model/gltf-binary": {"schema": {"type": "string", "format": "binary"}}},
    "headers": {
        "X-Preview-Faces": {"description": "Triangles that it has.", "schema": {"type": "integer"}},
        "X-Cad-Faces": {"description": "Triangles that the CAD has.", "schema": {"type": "integer"}},
    },
}


@router.post("/api/v1/cad/preview.glb", response_class=Response, responses={200: _GLB, **_FAILURES}, operation_id="preview_cad")
async def preview_cad(request: InspectRequest, service: Service) -> Response:
    """A CAD of any format as GLB, to look at it: in mm, in its own frame and axes, a node a part.

    It has 300,000 triangles at most: a larger one is made coarser, and `X-Preview-Faces` is below `X-Cad-Faces`.
    """
    options = ReadOptions(parts=tuple(request.parts or ()), tessellation=request.tessellation)
    preview = await service.inspection.preview(request, request.unit, options)
    told = {"X-Preview-Faces": str(preview.faces), "X-Cad-Faces": str(preview.of_faces)}
    return Response(preview.glb, media_type="model/gltf-binary", headers=told)


@router.post("/cad/inspect", responses=_FAILURES, description="The same as `POST /api/v1/cad/inspect`.")
@router.post("/api/v1/cad/inspect", responses=_FAILURES)
async def inspect_cad(request: InspectRequest, service: Service) -> CadInspected:
    """Look at a CAD: its size, its unit, its parts, and what a job would assume of it. No job is made, nothing is written.

    It is read as for a job, under the same limits, and is ready for the job that follows. A few at a time are read; others wait.
    """
    options = ReadOptions(parts=tuple(request.parts or ()), tessellation=request.tessellation)
    return CadInspected.model_validate(await service.inspection.inspect(request, request.unit, options))
