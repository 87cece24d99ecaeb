"""What a job's answer, its manifest and an inspection say of a CAD."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.loader import LoadedCad
from serve_app.cad.size import AskedUnit, size_warnings, unit_used, unit_warnings

MAX_NAMES = 100
"""Parts that a job's answer names; it says how many there are."""


def cad_report(cad: LoadedCad, path: Path, asked: AskedUnit) -> dict[str, Any]:
    """A CAD as a value that JSON can hold.

    Args:
        cad: that was read.
        path: of its file: the ending is the format.
        asked: the unit that the request says.

    Returns:
        ``format``, ``unit``, ``unit_from``, ``size_mm`` (extents of the bounding box along x, y and z), ``diameter_mm``, ``vertices``,
        ``faces``, ``part_count``, ``parts`` (names), ``materials``, ``textures``, ``vertex_colors``.
    """
    used = unit_used(cad.unit, asked)
    return {
        "format": path.suffix[1:].lower(),
        "unit": used.unit,
        "unit_from": used.whence,
        "size_mm": _extents(cad.corners * used.mm),
        "diameter_mm": _rounded(cad.diameter * used.mm),
        **{name: cad.statistics.get(name, 0) for name in ("vertices", "faces")},
        "part_count": len(cad.parts),
        "parts": [part.name for part in cad.parts[:MAX_NAMES]],
        **{name: cad.statistics.get(name, 0) for name in ("materials", "textures")},
        "vertex_colors": bool(cad.statistics.get("vertex_colors")),
    }


def part_reports(cad: LoadedCad, asked: AskedUnit, limit: int) -> list[dict[str, Any]]:
    """``name``, ``faces`` and ``size_mm`` of the first ``limit`` parts."""
    mm = unit_used(cad.unit, asked).mm
    corners = [np.array([part.low, part.high]) * mm for part in cad.parts[:limit]]
    return [{"name": part.name, "faces": part.faces, "size_mm": _extents(box)} for part, box in zip(cad.parts, corners, strict=False)]


def cad_warnings(cad: LoadedCad, asked: AskedUnit) -> list[str]:
    """Sentences about the CAD: those of its reader, and what is odd about its unit and its size."""
    used = unit_used(cad.unit, asked)
    return [*cad.warnings, *unit_warnings(cad.unit, used), *size_warnings(cad.corners[1] - cad.corners[0], cad.diameter, used)]


def _extents(corners: NDArray[np.float64]) -> list[float]:
    return [_rounded(extent) for extent in (corners[1] - corners[0]).tolist()]


def _rounded(length: float) -> float:
    return float(f"{length:.9g}")
