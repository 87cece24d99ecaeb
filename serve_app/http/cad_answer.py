"""A CAD as clients see it: how large it is, by which unit, and what it is made of."""

from __future__ import annotations

from pydantic import BaseModel, Field

from serve_app.cad.size import UnitFrom
from serve_app.cad.units import Unit


class CadFacts(BaseModel):
    """What a CAD was read as."""

    format: str = Field(description="Ending of the file's name, in small letters.", examples=["stl"])
    unit: Unit = Field(description="Unit that its coordinates were taken to be in.")
    unit_from: UnitFrom = Field(description="Who has said so: the `file`, the `request`, or nobody, and mm was `assumed`.")
    size_mm: list[float] = Field(
        min_length=3, max_length=3, description="Extents of its bounding box along x, y and z in mm.", examples=[[80.0, 80.0, 18.0]]
    )
    diameter_mm: float = Field(
        description="Largest distance of two of its vertices in mm, as `diameter` in BOP's models_info.json; at most 0.1 % below that."
    )
    vertices: int
    faces: int = Field(description="Triangles, polygons split.")
    part_count: int = Field(description="Named parts of the assembly; 0 where the file names none.")
    materials: int
    textures: int
    vertex_colors: bool


class CadSummary(CadFacts):
    """What a job's CAD was read as."""

    parts: list[str] = Field(description="Names of the first 100 of its named parts, rendered or not, in the file's order.")
