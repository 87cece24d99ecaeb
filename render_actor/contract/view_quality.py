"""How near a view comes to the converged image, as its renderer measures it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ViewQuality:
    """What was sampled for a view, and what that gave.

    Errors are the root mean square difference to the converged image over the object's pixels and their colour channels, of 255.

    Attributes:
        samples: of each of the pixels that got most: further samples leave out pixels that are good enough.
        estimated_error: as the renderer estimates it while it samples; None where it does not.
        error_bound: what the request's quality promises of this view: its bound, or what the stock procedure has at least where that is
            more, as it is foreseen; None where it promises nothing.
    """

    samples: int
    estimated_error: float | None = None
    error_bound: float | None = None

    @property
    def bound_missed(self) -> bool:
        """Whether the view has an error above what was promised; an error that is not known misses no bound."""
        if self.estimated_error is None or self.error_bound is None:
            return False
        return not self.estimated_error <= self.error_bound  # An error that is no number is no proof.
