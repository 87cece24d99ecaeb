"""A figure of the benchmark, its bound, and the table of all of them."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        name: what was measured.
        against: what it is held against.
        value: the figure.
        unit: such as ``x``, ``%``, ``dB``.
        bound: what it must reach, or None where it is only told.
        aim: what we would like.
        better: whether it must be ``more`` or ``less`` than the bound.
        detail: what it was computed from: medians, spread, counts.
    """

    name: str
    against: str
    value: float
    unit: str
    bound: float | None = None
    aim: float | None = None
    better: Literal["more", "less"] = "more"
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether the figure is within its bound."""
        if self.bound is None:
            return True
        return self.value >= self.bound if self.better == "more" else self.value <= self.bound

    @property
    def verdict(self) -> str:
        """``ok``, ``FAIL``, or nothing where there is no bound."""
        return "" if self.bound is None else "ok" if self.ok else "FAIL"

    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        sign = ">=" if self.better == "more" else "<="
        limits = [f"{sign} {_short(limit)}" if limit is not None else "" for limit in (self.bound, self.aim)]
        return (self.name, self.against, f"{_short(self.value)} {self.unit}".strip(), *limits, self.verdict, self.detail)


HEADER = ("figure", "against", "measured", "must", "aim", "", "from")


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def spread(values: Sequence[float], unit: str = "s") -> str:
    """Median and range of some measurements, for a figure's detail."""
    return f"{statistics.median(values):.3g} {unit} [{min(values):.3g}..{max(values):.3g}, n={len(values)}]"


def text_table(figures: Sequence[Figure]) -> str:
    """The figures for a terminal."""
    rows = [HEADER, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def markdown_table(figures: Sequence[Figure]) -> str:
    """The figures for docs/speed.md."""
    rows = [HEADER, ("---",) * len(HEADER), *(figure.cells() for figure in figures)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def as_json(figures: Sequence[Figure], machine: dict[str, Any]) -> str:
    """The figures for programs."""
    rows = [{**asdict(figure), "ok": figure.ok} for figure in figures]
    return json.dumps({"machine": machine, "ok": all(figure.ok for figure in figures), "figures": rows}, indent=1)
