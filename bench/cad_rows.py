"""The rows of one CAD in the table of ``make bench``."""

from __future__ import annotations

import statistics

from bench.figures import Figure
from bench.promise import MAX_REFERENCE_LOSS, MEDIAN_AND_WORST, CadResult

_SPEEDS: dict[str, tuple[float | None, float | None]] = {"standard": (4, 6), "draft": (None, None), "reference": (None, None)}
"""Bound and aim of a CAD whatever it is."""


def speed_figures(result: CadResult) -> list[Figure]:
    """CPU seconds a view of each quality against the stock procedure's."""
    return [
        Figure(
            f"{result.name}: CPU s a view, {quality}",
            "stock procedure",
            result.speedup(quality),
            "x",
            *limits,
            detail=f"{result.qualities[quality].cpu:.3g} s against {result.stock_cpu:.3g} s",
        )
        for quality, limits in _SPEEDS.items()
    ]


def error_figures(result: CadResult) -> list[Figure]:
    """Errors of each quality to the converged image, of 255, and what it may have."""
    name, stock = result.name, result.stock_errors
    words = f"max {max(stock):.3g}; {len(stock)} views of {result.pixels} pixels"
    figures = [Figure(f"{name}: stock, RMSE in the median view", "converged", statistics.median(stock), "of 255", detail=words)]
    for quality, (median, worst) in MEDIAN_AND_WORST.items():
        errors = result.qualities[quality].errors
        told = [estimate for estimate in result.qualities[quality].estimated if estimate is not None]
        words = f"max {max(errors):.3g}" + (f"; estimated {statistics.median(told):.3g}, max {max(told):.3g}" if told else "")
        middle, share = statistics.median(errors), result.used(quality)
        figures += [
            Figure(f"{name}: {quality}, RMSE in the median view", "converged", middle, "of 255", detail=words),
            Figure(
                f"{name}: {quality}, share of what is promised",
                f"{median} and {worst}, or stock",
                share,
                "",
                1.0,
                better="less",
            ),
        ]
    loss = result.reference_loss
    return [*figures, Figure(f"{name}: reference, loss in the median view", "stock", loss, "dB", MAX_REFERENCE_LOSS, better="less")]
