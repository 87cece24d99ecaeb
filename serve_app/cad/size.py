"""How large a CAD is in millimetres: by which unit, who has said so, and whether that can be meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.units import MM_PER_UNIT, Unit

AskedUnit = Literal["auto", "mm", "cm", "m", "inch"]
"""What a request may say; ``auto`` leaves it to the file."""

UnitFrom = Literal["file", "request", "assumed"]

SMALL_MM, LARGE_MM = 10.0, 2000.0
"""Robots handle parts of about 5 mm to 2 m. A diameter below twice the smallest, or above the largest, gets a warning."""

METRES_BELOW_MM = 2.0
"""A CAD in mm with a smaller diameter is taken to be in metres: no part is 2 mm."""

# Centimetres are rare, and near millimetres: they would only make the sentence longer.
_LARGER: tuple[Unit, ...] = ("inch", "m")
_SMALLER: tuple[Unit, ...] = ("mm", "inch")

_NAMES: dict[Unit, str] = {"mm": "millimetres", "cm": "centimetres", "m": "metres", "inch": "inches"}


@dataclass(frozen=True)
class UnitUsed:
    """The unit that a CAD's coordinates are taken to be in.

    Attributes:
        unit: of length.
        whence: who has said so; ``assumed`` where nobody has.
    """

    unit: Unit
    whence: UnitFrom

    @property
    def mm(self) -> float:
        """Millimetres in one of it."""
        return MM_PER_UNIT[self.unit]


def unit_used(of_file: Unit | None, asked: AskedUnit) -> UnitUsed:
    """The unit of a CAD.

    Args:
        of_file: what the file says, or None where its format has no units.
        asked: what the request says.
    """
    if asked != "auto":
        return UnitUsed(asked, "request")
    return UnitUsed("mm", "assumed") if of_file is None else UnitUsed(of_file, "file")


def unit_warnings(of_file: Unit | None, used: UnitUsed) -> list[str]:
    """A sentence where the request contradicts the file."""
    if of_file is None or of_file == used.unit:
        return []
    return [
        f"the file says that its unit is {of_file}, the request says {used.unit}: {used.unit} is used, which makes the CAD "
        f"{MM_PER_UNIT[used.unit] / MM_PER_UNIT[of_file]:.4g} times as large; leave unit out to use the file's"
    ]


def size_warnings(extents: NDArray[np.float64], diameter: float, used: UnitUsed) -> list[str]:
    """A sentence where a CAD is so small, or so large, that its unit may be another one.

    Args:
        extents: (3,) of its bounding box, in its own unit.
        diameter: in its own unit.
        used: its unit.
    """
    diameter_mm = diameter * used.mm
    if SMALL_MM <= diameter_mm <= LARGE_MM:
        return []
    small = diameter_mm < SMALL_MM
    said = {"file": "as the file says", "request": "as the request says", "assumed": "assumed"}[used.whence]
    if small and used.unit == "mm" and diameter_mm < METRES_BELOW_MM:
        judged = "it looks like metres"
    else:
        judged = f"{'smaller' if small else 'larger'} than most parts that robots handle (5 mm to 2 m)"
    others = (
        [unit for unit in _LARGER if MM_PER_UNIT[unit] > used.mm] if small else [unit for unit in _SMALLER if MM_PER_UNIT[unit] < used.mm]
    )
    read = [f"in {_NAMES[unit]} it is {_told(extents * MM_PER_UNIT[unit])}" for unit in others]
    meant = [f"pass {' or '.join(f'unit={unit}' for unit in others)} if that is meant"] if others else []
    if not others:
        scaled = extents * used.mm * (1000 if small else 0.001)
        meant = [f"if it was written {'in units a thousand times as large' if small else 'in micrometres'} it is {_told(scaled)}: scale it"]
    return [f"the CAD is {_told(extents * used.mm)} in {_NAMES[used.unit]} ({said}): {'; '.join([judged, *read, *meant])}"]


def _told(extents_mm: NDArray[np.float64]) -> str:
    """Three extents with the unit in which they are easy to read."""
    largest = float(extents_mm.max())
    scale, name = (1000.0, "m") if largest >= 1000 else (1.0, "mm") if largest >= 0.1 else (0.001, "micrometres")
    return " x ".join(_short(value / scale) for value in extents_mm.tolist()) + f" {name}"


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
