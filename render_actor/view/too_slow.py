"""A view whose CAD takes too long to trace: how that is told."""

from __future__ import annotations

from render_actor.contract.types import Failure


class ViewTooSlowError(Exception):
    """A step of a view would take longer than the view may, or has."""


def too_slow_failure(view: int, limit_sec: float, error: ViewTooSlowError) -> Failure:
    """What a client is told.

    Args:
        view: index of the camera.
        limit_sec: seconds that the view may take.
        error: for the log.
    """
    return Failure(
        "view_too_slow",
        f"view {view} takes longer than the {limit_sec:.3g} s that it may: too many faces of the CAD lie over one another, or are long and "
        "thin; remove overlapping layers and copies, use fewer faces, or lower resolution or samples",
        field="cad_path",
        cause=str(error),
    )
