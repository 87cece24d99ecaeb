"""The error that a quality promises, and how many samples a view may take to keep it."""

from __future__ import annotations

from dataclasses import dataclass

STOCK_SAMPLES = 64
"""With so many samples a view is as near to the converged image as the stock procedure's, whose 50 samples are denoised with more care:
measured on CADs that both find hard."""

CHEAP_PIXEL_SAMPLES = 1_300_000
"""Samples of all pixels together that no view is denied, however few pixels it has: about two seconds of one CPU core."""

_ACCEPTED, _TARGET = 0.95, 0.9
"""The estimate is off by 7 % (one standard deviation), so the median of some views is within the bound when each view's estimate
is a little below it. More samples are taken only for a gain that is worth another render."""


@dataclass(frozen=True)
class ErrorBound:
    """Root mean square errors to the converged image over the object's pixels, of 255.

    Attributes:
        median: in the median view.
        every_view: in each.
    """

    median: float
    every_view: float

    @property
    def accepted(self) -> float:
        """A view whose estimated error is no more is done."""
        return _ACCEPTED * self.median

    def or_at_least(self, error: float) -> ErrorBound:
        """The bound of a view in which an error is accepted in any case."""
        return ErrorBound(max(self.median, error / _ACCEPTED), max(self.every_view, error))

    @property
    def target(self) -> float:
        """What further samples aim at."""
        return _TARGET * self.median


def most_samples(pixels: int, max_samples: int) -> int:
    """Samples a pixel that a view may take while its error stays above its bound.

    Args:
        pixels: that are rendered.
        max_samples: the cap that the operator sets.
    """
    return min(max_samples, max(STOCK_SAMPLES, CHEAP_PIXEL_SAMPLES // max(pixels, 1)))
