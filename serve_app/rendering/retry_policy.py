"""What becomes of views whose batch failed: tried again, together or one by one, or given up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from render_actor.contract.types import Failure
from serve_app.base.errors import ServiceError

MAX_LOST_RENDERERS = 2
"""A view that was lost with this many renderers is not tried again: it may be what ends them."""

MAX_FAULTS = 4
"""Attempts at a view that may fail for reasons that no CAD can cause: a Blender that does not start, a replica that is gone."""

FAULT_PAUSE_SEC = 1.0
"""A Blender ends itself within this time when the replica that owns it is gone; only then are its views given to another."""


@dataclass(frozen=True)
class Decision:
    """What becomes of the views of a batch that failed.

    Attributes:
        pause_sec: seconds to wait before the views are pending again.
        error: the work fails with this; None when the views are tried again.
    """

    pause_sec: float = 0.0
    error: ServiceError | None = None


class RetryPolicy:
    """Counts the failed attempts at the views of one work, and decides.

    A *loss* is a renderer that ended while it rendered a view: the view may be to blame. A *fault* is what no view can cause.
    """

    def __init__(self) -> None:
        self._losses: Counter[int] = Counter()
        self._faults: Counter[int] = Counter()

    def decide(self, views: tuple[int, ...], failure: Failure, *, fault: bool = False) -> Decision:
        """Count a failed batch, and say what becomes of its views.

        Args:
            views: of the batch.
            failure: why it failed.
            fault: whether no view can be to blame; a renderer that does not start is a fault in any case.
        """
        error = ServiceError(failure.code, failure.message, failure.field)
        if not failure.worth_retrying:
            return Decision(error=error)
        fault = fault or failure.code == "renderer_start_failed"
        counts, limit = (self._faults, MAX_FAULTS) if fault else (self._losses, MAX_LOST_RENDERERS)
        counts.update(views)
        if max(counts[view] for view in views) >= limit:
            return Decision(error=error)
        return Decision(pause_sec=FAULT_PAUSE_SEC if fault else 0.0)

    def goes_alone(self, view: int) -> bool:
        """Whether a view goes in a batch of its own: of views that were lost together, one may be to blame."""
        return self._losses[view] > 0

    @property
    def ends_renderers(self) -> bool:
        """Whether one of the views lost so many renderers that its CAD is taken for what ends them."""
        return max(self._losses.values(), default=0) >= MAX_LOST_RENDERERS
