"""What is to be known of a file of exact surfaces before they become triangles."""

from __future__ import annotations

import math
from dataclasses import dataclass

from serve_app.cad.units import MM_PER_UNIT, Unit


@dataclass(frozen=True)
class BrepFacts:
    """Of one file.

    Attributes:
        unit: the file's own, or mm where it has none that we have.
        warnings: what to tell of the unit, and of what will not be read.
        extent: about how large the CAD is, in millimetres; None where the text does not tell.
        faces: how many the text holds; 0 where it does not tell.
    """

    unit: Unit
    warnings: tuple[str, ...]
    extent: float | None
    faces: int = 0


def unit_of(millimetres: list[float]) -> tuple[Unit, tuple[str, ...]]:
    """The unit of a file, with warnings where it is not simply that.

    Args:
        millimetres: in each unit of length that the file uses; 0 for one that cannot be told.
    """
    distinct = sorted({float(f"{value:.6g}") for value in millimetres})
    if not distinct:
        return "mm", ("the file names no unit of length: read as mm",)
    if len(distinct) > 1:
        return "mm", (f"the file uses {len(distinct)} units of length: all of it is read in mm",)
    for unit, of_unit in MM_PER_UNIT.items():
        if math.isclose(distinct[0], of_unit, rel_tol=1e-4):
            return unit, ()
    if distinct[0] == 0:
        return "mm", ("the file's unit of length is not known: read as mm",)
    return "mm", (f"the file's unit of length, {distinct[0]:g} mm, is none of {', '.join(MM_PER_UNIT)}: its coordinates are turned to mm",)
