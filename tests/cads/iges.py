"""Writes IGES files: boxes of ruled surfaces and cylinders of surfaces of revolution."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float, float]
Rgb = tuple[float, float, float]

UNIT_FLAGS = {"inch": 1, "mm": 2, "foot": 4, "m": 6, "um": 9, "cm": 10}

_LINE, _RULED, _REVOLVED, _COLOUR, _PROPERTY = 110, 118, 120, 314, 406


class IgesFile:
    """An IGES file in the making; ``text`` gives it."""

    def __init__(self, unit: str = "mm", largest: float = 0.0) -> None:
        self._unit, self._largest = unit, largest
        self._entities: list[tuple[int, int, str, int]] = []

    def box(self, low: Point, high: Point, color: Rgb | None = None) -> None:
        """Six faces, each ruled between two lines."""
        shade = self._color(color)
        for axis in range(3):
            for value in (low[axis], high[axis]):
                first, second = (axis + 1) % 3, (axis + 2) % 3
                corners = []
                for a, b in (
                    (low[first], low[second]),
                    (high[first], low[second]),
                    (low[first], high[second]),
                    (high[first], high[second]),
                ):
                    corner = [0.0, 0.0, 0.0]
                    corner[axis], corner[first], corner[second] = value, a, b
                    corners.append((corner[0], corner[1], corner[2]))
                lines = self._line(corners[0], corners[1]), self._line(corners[2], corners[3])
                self._entity(_RULED, [*lines, 0, 0], form=1, color=shade)

    def cylinder(self, radius: float, height: float, color: Rgb | None = None) -> None:
        """Around z, from z = 0: a wall and two discs, each a line that goes around."""
        shade = self._color(color)
        axis = self._line((0, 0, 0), (0, 0, 1))
        for start, end in (
            ((radius, 0, 0), (radius, 0, height)),
            ((0, 0, 0), (radius, 0, 0)),
            ((0, 0, height), (radius, 0, height)),
        ):
            self._entity(_REVOLVED, [axis, self._line(start, end), 0.0, 2 * math.pi], color=shade)

    def name(self, text: str) -> None:
        """A name that stands in the file, of nothing in particular."""
        self._entities.append((_PROPERTY, 15, f"{_PROPERTY},1,{len(text)}H{text};", 0))

    def text(self) -> bytes:
        """The file."""
        directory, parameters = list[str](), list[str]()
        for number, (kind, form, values, color) in enumerate(self._entities):
            pointer, first = 2 * number + 1, len(parameters) + 1
            chunks = [values[i : i + 64] for i in range(0, len(values), 64)]
            for chunk in chunks:
                parameters.append(f"{chunk:<64} {pointer:>7}P{len(parameters) + 1:>7}")
            visible = "00010000" if kind == _LINE else "00000000"  # A line here is only a part of its surface.
            fields = [[kind, first, 0, 0, 0, 0, 0, 0, visible], [kind, 0, color, len(chunks), form, "", "", "", 0]]
            for line in fields:
                directory.append("".join(f"{value:>8}" for value in line) + f"D{len(directory) + 1:>7}")
        flag = UNIT_FLAGS[self._unit]
        name = {"inch": "4HINCH", "mm": "2HMM", "foot": "2HFT", "m": "1HM", "um": "2HUM", "cm": "2HCM"}[self._unit]
        values = f"1H,,1H;,4Hmade,8Hmade.igs,4Hmade,3H1.0,32,38,6,308,15,4Hmade,1.0,{flag},{name},1,0.01,15H20200101.000000,1.0E-07,"
        values += f"{self._largest!r},4Hmade,4Hmade,11,0,15H20200101.000000;"
        chunks = [values[i : i + 72] for i in range(0, len(values), 72)]
        lines = [f"{'made by a test':<72}S      1"]
        lines += [f"{chunk:<72}G{number:>7}" for number, chunk in enumerate(chunks, 1)]
        lines += directory + parameters
        counts = f"S{1:>7}G{len(chunks):>7}D{len(directory):>7}P{len(parameters):>7}"
        return ("\n".join([*lines, f"{counts:<72}T      1"]) + "\n").encode()

    def _line(self, start: Point, end: Point) -> int:
        return self._entity(_LINE, [*map(float, start), *map(float, end)])

    def _color(self, color: Rgb | None) -> int:
        """What a directory entry says of a colour: nothing, or where it is, below zero."""
        return -self._entity(_COLOUR, [100.0 * channel for channel in color]) if color else 0

    def _entity(self, kind: int, values: Sequence[float], form: int = 0, color: int = 0) -> int:
        """Append an entity; gives the number of its directory entry."""
        text = ",".join(map(repr, [kind, *values])) + ";"
        self._entities.append((kind, form, text, color))
        return 2 * len(self._entities) - 1
