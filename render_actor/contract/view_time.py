"""What a view normally takes, and what follows for its time limits. All of it is known before the view is sampled."""

from __future__ import annotations

_VIEW_SEC = 0.1
_SAMPLE_SEC = 0.6e-6
"""Measured on one CPU core with ordinary CADs: of a view, and of each sample of each of its pixels. A GPU takes less."""

_HANG_SLOWDOWN = 10
"""A renderer may hang when it takes so many times what an image that the object fills normally takes."""


def normal_view_sec(pixels: int, samples: int) -> float:
    """Seconds that a view of an ordinary CAD takes on one CPU core.

    Args:
        pixels: that are rendered: those around the object.
        samples: of each pixel.
    """
    return _VIEW_SEC + _SAMPLE_SEC * pixels * samples


def view_limit_sec(pixels: int, samples: int, max_slowdown: float, batch_limit_sec: float) -> float:
    """Seconds after which a view is given up because its CAD is too slow to trace.

    Args:
        pixels: that are rendered.
        samples: of each pixel.
        max_slowdown: how many times a normal view it may take.
        batch_limit_sec: when the renderer is killed; the view is given up well before that.
    """
    return min(max_slowdown * normal_view_sec(pixels, samples), most_view_sec(batch_limit_sec))


def most_view_sec(batch_limit_sec: float) -> float:
    """Seconds that no view may take, however many samples it needs: its renderer would be killed as one that hangs."""
    return batch_limit_sec / 2


def batch_limit_sec(pixels: int, samples: int, least_sec: float) -> float:
    """Seconds after which a renderer that has not answered counts as hung.

    Args:
        pixels: of an image.
        samples: of each pixel.
        least_sec: however little is asked for.
    """
    return max(least_sec, _HANG_SLOWDOWN * normal_view_sec(pixels, samples))
