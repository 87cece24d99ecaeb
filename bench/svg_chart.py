"""A chart of values over time as an SVG: lines that step, one panel above the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH, _LEFT, _RIGHT, _TOP = 860, 64, 16, 34
_HEIGHT, _GAP, _BOTTOM = 130, 34, 44
_LEGEND = 70
_COLORS = ("#1b6ca8", "#d9822b", "#3a8f4d", "#a33")


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: above it.
        lines: values by name; each is one for each moment.
    """

    title: str
    lines: dict[str, Sequence[float]]


def chart(title: str, seconds: Sequence[float], panels: Sequence[Panel], marks: dict[str, float]) -> str:
    """Draw.

    Args:
        title: of the whole.
        seconds: the moments, rising.
        panels: from the top down.
        marks: moments that a dashed line shows, by name.

    Returns:
        The SVG.
    """
    height = _TOP + len(panels) * (_HEIGHT + _GAP) + _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{_LEFT}" y="20" font-size="14" font-weight="bold">{escape(title)}</text>',
    ]
    scale = (_WIDTH - _LEFT - _RIGHT) / max(seconds[-1], 1e-9)
    for number, panel in enumerate(panels):
        parts += _panel(panel, seconds, scale, _TOP + _GAP / 2 + number * (_HEIGHT + _GAP))
    bottom = _TOP + len(panels) * (_HEIGHT + _GAP) - _GAP / 2
    for name, moment in marks.items():
        x = _LEFT + moment * scale
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP + _GAP / 2}" y2="{bottom + 24}" stroke="#888" stroke-dasharray="4 3"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 34}" text-anchor="middle" fill="#555">{escape(name)}</text>')
    step = next(step for step in (1, 5, 10, 30, 60, 300, 3600) if seconds[-1] / step <= 12)
    for moment in range(0, int(seconds[-1]) + 1, step):
        parts.append(f'<text x="{_LEFT + moment * scale:.1f}" y="{bottom + 18}" text-anchor="middle">{moment}</text>')
    parts.append(f'<text x="{_WIDTH - _RIGHT}" y="{bottom + 34}" text-anchor="end">seconds</text></svg>')
    return "\n".join(parts) + "\n"


def _panel(panel: Panel, seconds: Sequence[float], scale: float, top: float) -> list[str]:
    most = max(1.0, *(max(values) for values in panel.lines.values()))
    bottom, right = top + _HEIGHT, _WIDTH - _RIGHT
    parts = [f'<rect x="{_LEFT}" y="{top}" width="{right - _LEFT}" height="{_HEIGHT}" fill="none" stroke="#ccc"/>']
    parts += [
        f'<text x="{_LEFT - 6}" y="{y:.0f}" text-anchor="end">{value:g}</text>'
        for value, y in ((most, top + 10), (most / 2, top + _HEIGHT / 2 + 4), (0, bottom))
    ]
    parts.append(f'<text x="{_LEFT}" y="{top - 4}">{escape(panel.title)}</text>')
    for index, (name, values) in enumerate(panel.lines.items()):
        color = _COLORS[index % len(_COLORS)]
        points: list[str] = []
        for moment, value in zip(seconds, values, strict=True):
            x, y = _LEFT + moment * scale, bottom - value / most * (_HEIGHT - 8)
            points += [f"{x:.1f},{points[-1].split(',')[1]}", f"{x:.1f},{y:.1f}"] if points else [f"{x:.1f},{y:.1f}"]
        behind = len(panel.lines) - 1 - index  # Where lines lie on one another, the first ones are wider, and all are seen.
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{color}" stroke-width="{1.6 + 2.4 * behind:g}"/>')
        parts.append(f'<text x="{right - _LEGEND * behind}" y="{top - 4}" text-anchor="end" fill="{color}">{escape(name)}</text>')
    return parts
