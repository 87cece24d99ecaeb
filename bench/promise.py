"""What each quality promises of its error, and whether a CAD's templates keep it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from bench.quality import decibels

MEDIAN_AND_WORST = {"standard": (1.0, 1.25), "draft": (2.0, 2.6)}
"""Root mean square error, of 255, that the median view and every view may have; the stock procedure's own where that is larger."""

MAX_REFERENCE_LOSS = 0.5
"""dB that ``reference`` may be behind the stock procedure in the median view."""

_MAX_SHIFT = (1.0, 1.5)
"""Of 255, and times the error of `reference`, that parts of the stock procedure's views may differ from the converged ones in the mean:
noise cancels out in it. Where it is more, another scene is shown, and the comparison says nothing."""

MIN_IOU = 0.98
"""Of our mask and the stock procedure's; that one follows its NOCS image, which misses what is thinner than a pixel elsewhere."""

QUALITIES = ("standard", "draft", "reference")


@dataclass(frozen=True)
class QualityResult:
    """One quality of one CAD, by view where it is a list.

    Attributes:
        errors: RMSE over the object's pixels, of 255.
        cpu: CPU seconds a view.
        samples: that the manifest tells, or None.
        estimated: errors that the manifest tells, or None.
        warnings: of the job.
    """

    errors: list[float]
    cpu: float
    samples: list[float | None]
    estimated: list[float | None]
    warnings: list[str]


@dataclass
class CadResult:
    """What was measured of one CAD.

    Attributes:
        name: of the CAD.
        failure: why it could not be measured, or nothing.
        pixels: of the object in the median view.
        stock_errors: RMSE of the stock procedure's views.
        stock_cpu: CPU seconds of its median view.
        shift: ``local_shift`` of the stock procedure's views from the converged ones, in the worst view.
        noise: what an image of 1,024 samples has as error of its own in the median view: against one, the errors would be larger.
        iou: of our masks and the stock procedure's, in the worst view.
        first_cpu: CPU seconds of the first small job: parsing, and loading the mesh.
        qualities: by name.
        other: whatever else is wrong.
    """

    name: str
    failure: str = ""
    pixels: int = 0
    stock_errors: list[float] = field(default_factory=list)
    stock_cpu: float = 0.0
    shift: float = 0.0
    noise: float = 0.0
    iou: float = 1.0
    first_cpu: float = 0.0
    qualities: dict[str, QualityResult] = field(default_factory=dict)
    other: list[str] = field(default_factory=list)

    @property
    def max_shift(self) -> float:
        """What ``shift`` may be."""
        plain, times = _MAX_SHIFT
        return plain + times * max(self.qualities["reference"].errors)

    @property
    def comparable(self) -> bool:
        """Whether the stock procedure shows the same picture."""
        return self.shift <= self.max_shift and self.iou >= MIN_IOU

    def speedup(self, quality: str) -> float:
        """How many times less CPU a view takes than with the stock procedure."""
        return self.stock_cpu / self.qualities[quality].cpu

    def used(self, quality: str) -> float:
        """Error as a share of what is promised, in the median or the worst view, whichever is larger: more than 1 breaks the promise.

        Args:
            quality: ``standard`` or ``draft``.
        """
        median, worst = MEDIAN_AND_WORST[quality]
        own = self.stock_errors if self.comparable else [0.0] * len(self.stock_errors)
        errors = self.qualities[quality].errors
        return max(
            statistics.median(error / max(median, stock) for error, stock in zip(errors, own, strict=True)),
            max(error / max(worst, stock) for error, stock in zip(errors, own, strict=True)),
        )

    @property
    def reference_loss(self) -> float:
        """DB that ``reference`` is behind the stock procedure in the median view."""
        return decibels(statistics.median(self.stock_errors)) - decibels(statistics.median(self.qualities["reference"].errors))

    def faults(self) -> list[str]:
        """Everything that is not as promised, in words."""
        if self.failure:
            return [self.failure]
        found = [quality for quality in MEDIAN_AND_WORST if self.used(quality) > 1]
        found += ["reference"] if self.reference_loss > MAX_REFERENCE_LOSS else []
        if not self.comparable:
            found.append(f"the stock procedure shows another picture (shift {self.shift:.2f} of 255, IoU {self.iou:.3f})")
        return found + self.other
