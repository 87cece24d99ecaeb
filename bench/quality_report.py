"""The tables of ``make quality``."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from bench.figures import Figure
from bench.promise import MEDIAN_AND_WORST, QUALITIES, CadResult
from bench.quality import decibels

_HEADER = (
    *(
        "CAD",
        "pixels",
        "noise of 1024 samples",
        "stock",
        *QUALITIES,
        "samples, standard",
        "stock CPU s",
        *(f"{quality}, CPU" for quality in QUALITIES),
    ),
    *("first job, CPU s", ""),
)


def worst_first(results: Sequence[CadResult]) -> list[CadResult]:
    """Results, those first that use most of what ``standard`` promises."""
    return sorted(results, key=lambda result: -np.inf if result.failure else -result.used("standard"))


def rows(results: Sequence[CadResult]) -> list[tuple[str, ...]]:
    """The table of all CADs, header first; errors are RMSE of 255, median / worst view (PSNR of the median)."""
    table = [_HEADER]
    for result in worst_first(results):
        verdict = "; ".join(result.faults()) or "ok"
        if result.failure:
            table.append((result.name, *[""] * (len(_HEADER) - 2), verdict))
            continue
        qualities = [result.qualities[quality] for quality in QUALITIES]
        standard = qualities[0].samples
        told = [samples for samples in standard if samples is not None]
        table.append(
            (
                *(
                    result.name,
                    str(result.pixels),
                    f"{result.noise:.2f}",
                    _errors(result.stock_errors),
                    *(_errors(quality.errors) for quality in qualities),
                ),
                f"{statistics.median(told):.0f} / {max(told):.0f}" if told else "-",
                f"{result.stock_cpu:.1f}",
                *(f"{quality.cpu:.2f} ({result.stock_cpu / quality.cpu:.1f}x)" for quality in qualities),
                f"{result.first_cpu:.2f}",
                verdict,
            )
        )
    return table


def _errors(errors: Sequence[float]) -> str:
    return f"{statistics.median(errors):.2f} / {max(errors):.2f} ({decibels(statistics.median(errors)):.1f})"


def figures(results: Sequence[CadResult]) -> list[Figure]:
    """What the run says as a whole, with the bounds."""
    measured = [result for result in results if not result.failure]
    found = [Figure("CADs that could not be measured", "", len(results) - len(measured), f"of {len(results)}", 0, None, "less")]
    if not measured:
        return found
    for quality in QUALITIES:
        found += _speed(measured, quality)
    for quality, (median, worst) in MEDIAN_AND_WORST.items():
        shares = {result.name: result.used(quality) for result in measured}
        over = sorted((name for name, share in shares.items() if share > 1), key=lambda name: -shares[name])
        most = max(shares, key=lambda name: shares[name])
        words = f"of {median} in the median and {worst} in the worst view, or stock's own; over: {', '.join(over) or 'none'}"
        found.append(Figure(f"{quality}: error, share of what is promised", most, shares[most], "", 1.0, None, "less", words))
    least = max(measured, key=lambda result: result.reference_loss)
    found.append(Figure("reference: loss against stock", least.name, least.reference_loss, "dB", 0.5, None, "less"))
    for quality in MEDIAN_AND_WORST:
        found += _estimates(measured, quality)
    other = max(measured, key=lambda result: result.shift / result.max_shift)
    words = f"of parts of {other.name}, in the mean; smallest IoU of masks {min(result.iou for result in measured):.4f}"
    found.append(
        Figure("difference of the scenes", "stock procedure", other.shift, "of 255", round(other.max_shift, 2), None, "less", words)
    )
    wrong = [f"{result.name}: {text}" for result in measured for text in result.other]
    return [*found, Figure("other faults", "", len(wrong), "", 0, None, "less", "; ".join(wrong))]


_SPEEDS: dict[str, tuple[tuple[float, float] | None, tuple[float, float] | None]] = {
    "standard": ((8, 12), (4, 6)),
    "draft": ((20, 40), None),
    "reference": (None, None),
}
"""Bound and aim of the geometric mean, and of the worst CAD."""


def _speed(measured: Sequence[CadResult], quality: str) -> list[Figure]:
    ratios = {result.name: result.speedup(quality) for result in measured}
    least = min(ratios, key=lambda name: ratios[name])
    (bound, aim), (least_bound, least_aim) = (limits or (None, None) for limits in _SPEEDS[quality])
    found = [
        Figure(f"CPU s a view, {quality}: geometric mean", "stock procedure", statistics.geometric_mean(ratios.values()), "x", bound, aim),
        Figure(f"CPU s a view, {quality}: worst CAD", "stock procedure", ratios[least], "x", least_bound, least_aim, "more", least),
    ]
    if quality == "standard" and "obj_000005" in ratios:
        found.append(Figure(f"CPU s a view, {quality}: obj_000005", "stock procedure", ratios["obj_000005"], "x", 10, 15))
    return found


def _estimates(measured: Sequence[CadResult], quality: str) -> list[Figure]:
    """How far the errors in the manifests are from the true ones."""
    pairs = [
        (estimate, error)
        for result in measured
        for estimate, error in zip(result.qualities[quality].estimated, result.qualities[quality].errors, strict=True)
        if estimate is not None
    ]
    if not pairs:
        return []
    ratios = np.array([estimate / max(error, 1e-6) for estimate, error in pairs])
    low, middle, high = np.percentile(ratios, [5, 50, 95])
    words = f"5 % of views below {low:.2f}, 5 % above {high:.2f}; {np.mean(ratios < 0.8):.0%} told a fifth too small; {len(pairs)} views"
    return [Figure(f"{quality}: estimated error", "true error", float(middle), "x", None, None, detail=words)]


def as_text(table: Sequence[tuple[str, ...]]) -> str:
    """A table for a terminal."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table)


def as_markdown(table: Sequence[tuple[str, ...]]) -> str:
    """A table for docs/measured-quality.md."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [table[0], ("---",) * len(table[0]), *table[1:]])


def as_json(results: Sequence[CadResult], whole: Sequence[Figure], machine: dict[str, Any]) -> str:
    """All that was measured, for programs."""
    return json.dumps(
        {
            "machine": machine,
            "ok": all(figure.ok for figure in whole) and not any(result.faults() for result in results),
            "figures": [{**asdict(figure), "ok": figure.ok} for figure in whole],
            "cads": [{**asdict(result), "faults": result.faults()} for result in worst_first(results)],
        },
        indent=1,
    )
