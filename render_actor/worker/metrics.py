"""What a renderer's shell counts; ``docs/reference/metrics.md`` has all metrics."""

from __future__ import annotations

from render_actor.contract.scene import Sampling, quality_name
from render_actor.contract.types import RendererState
from render_actor.contract.view_files import RenderedView
from render_actor.metrics.instruments import Counter, Gauge, Histogram

SINKS = ("direct", "object_store")
"""``direct``: the renderer wrote the files itself. ``object_store``: Ray carried them to the service, which writes them."""

VIEWS = Counter(
    "render_views", "Views whose files a renderer has made, also those of jobs that ended without them.", ("device", "quality", "sink"), ()
)
VIEW_SECONDS = Histogram(
    "render_view_seconds",
    "Wall seconds of a view.",
    (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 35.0, 60.0, 120.0, 300.0),
    ("device", "quality"),
)
VIEW_WORK_SECONDS = Counter("render_view_work_seconds", "Wall seconds of all views together.", ("device", "quality"), ())
SAMPLES = Counter("render_samples", "Samples a pixel, of those that got most, summed up over the views.", ("device", "quality"), ())
BOUNDS_MISSED = Counter(
    "render_bounds_missed", "Views whose error is above what their quality promises.", ("quality",), [("standard",), ("draft",)]
)
FILE_BYTES = Counter(
    "render_file_bytes",
    "Bytes of the views' files, by the way that they take to the output folder.",
    ("sink",),
    [(sink,) for sink in SINKS],
)
STARTS = Counter("render_renderer_starts", "Blenders that were started.", ("result",), [("ready",), ("failed",)])
LOSSES = Counter(
    "render_renderer_losses", "Blenders that were replaced because they died, hung, took too much memory, could not start or were stopped."
)
RECYCLES = Counter("render_renderer_recycles", "Blenders that were replaced because they had worked long enough.")
MEMORY = Gauge("render_renderer_memory_bytes", "Resident memory of the Blender's process.")
STATE = Gauge("render_renderer_state", "1 for the state that the renderer is in, 0 for the others.", ("state",))

RENDERER_METRICS = (VIEWS, VIEW_SECONDS, VIEW_WORK_SECONDS, SAMPLES, BOUNDS_MISSED, FILE_BYTES, STARTS, LOSSES, RECYCLES, MEMORY, STATE)


def count_view(view: RenderedView, sampling: Sampling) -> None:
    """Count a view whose files are made.

    Args:
        view: with the report of its Blender.
        sampling: that it was asked for with.
    """
    device, quality = view.blender.device if view.blender else "?", quality_name(sampling)
    sink = "direct" if view.in_sink else "object_store"
    VIEWS.add(1, device, quality, sink)
    VIEW_SECONDS.observe(view.seconds, device, quality)
    VIEW_WORK_SECONDS.add(view.seconds, device, quality)
    SAMPLES.add(view.quality.samples, device, quality)
    FILE_BYTES.add(sum(content.size for content in view.files), sink)
    if view.quality.bound_missed:
        BOUNDS_MISSED.add(1, quality)


_OWN_STATES: tuple[RendererState, ...] = ("starting", "ready", "busy", "failed")
"""That a renderer can tell of itself; it is others who say that it is lost or stopped."""


def measure(state: RendererState, memory_bytes: int | None) -> None:
    """Set the gauges.

    Args:
        state: of the renderer.
        memory_bytes: of its Blender, or None where it is not known.
    """
    MEMORY.set(memory_bytes)
    for one in _OWN_STATES:
        STATE.set(float(one == state), one)
