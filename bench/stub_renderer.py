"""Renderers without Blender, for tests and for capacity planning only: they sleep, and write real files of 512 x 512 pixels.

Everything but the tracing and the encoding is the product's: the shell, its supervisor, the actor's batches, the sink, the object store.
The files are made once in a process, so that a view costs its renderer hardly anything beside the writing: a machine that has two cores
can then show what one ingress carries.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import ray

from render_actor.blender.actor import BlenderActor
from render_actor.contract.types import BlenderReport, Failure, RendererOptions, ViewBatch
from render_actor.contract.view_quality import ViewQuality
from render_actor.view.traced import TracedView
from render_actor.view.view_output import EncodedView, ViewOutput, encoded_view
from render_actor.worker.blender_process import blender_launcher
from render_actor.worker.protocol import Launch
from render_actor.worker.worker import RenderWorker

DEVICE = "stub (no Blender, no images)"
"""What a stub says that it renders on: it is in every manifest and in `GET /api/v1/status`."""

_RADIUS = 0.27
"""Of the ball in the image, of its width: it fills a fifth of the pixels, as a CAD does."""


@dataclass(frozen=True)
class StubOptions(RendererOptions):
    """How a stub is set up.

    Attributes:
        seconds_a_view: that it sleeps.
    """

    seconds_a_view: float = 0.0


def ball(width: int, height: int) -> TracedView:
    """The view that every stub renders: a shaded ball with a little noise, so that its PNG is as large as a real one."""
    y, x = (np.mgrid[:height, :width] + 0.5) / np.array([height, width])[:, None, None] - 0.5
    squared = _RADIUS**2 - x**2 - y**2
    mask = squared > 0
    z = np.sqrt(np.maximum(squared, 0))
    noise = np.random.default_rng(0).integers(0, 3, (height, width, 3))
    shade = np.where(mask, 60 + 180 * z / _RADIUS, 12)[..., None]
    rgb = np.clip(shade + np.where(mask[..., None], noise, 0), 0, 255).astype(np.uint8)
    xyz = np.where(mask[..., None], 100 * np.stack([x, y, z], axis=-1), -1).astype(np.float16)
    return TracedView(0, rgb, mask, xyz, 0.0, ViewQuality(1))


class StubOutput(ViewOutput):
    """A batch's output whose files are made already."""

    def __init__(self, batch: ViewBatch, made: EncodedView) -> None:
        super().__init__(batch)
        self._encoded_before = made

    def _encoded(self, view: TracedView) -> EncodedView:
        return self._encoded_before


class StubActor(BlenderActor):
    """Answers as a Blender does. Its constructor, its batches and its answers are a Blender's."""

    _options: StubOptions

    def warm_up(self) -> BlenderReport | Failure:
        """Make the images of the most usual size."""
        cv2.setNumThreads(1)
        self._made: dict[tuple[int, int], tuple[TracedView, EncodedView]] = {}
        self._view_of((512, 512))
        return BlenderReport(DEVICE, os.getpid(), (), {"stub": "1"}, time.monotonic() - self._began)

    def take_over_cores(self) -> None:
        """It has none."""

    def _view_of(self, size: tuple[int, int]) -> tuple[TracedView, EncodedView]:
        if size not in self._made:
            view = ball(*size)
            self._made[size] = view, encoded_view(view)
        return self._made[size]

    def _output(self, batch: ViewBatch) -> ViewOutput:
        return StubOutput(batch, self._view_of((batch.scene.width, batch.scene.height))[1])

    def _load(self, batch: ViewBatch) -> float:
        return 0.0

    def _render_view(self, batch: ViewBatch, view: int) -> TracedView:
        began = time.monotonic()
        time.sleep(self._options.seconds_a_view)
        made, _ = self._view_of((batch.scene.width, batch.scene.height))
        return TracedView(view, made.rgb, made.mask, made.xyz, time.monotonic() - began, made.quality)


class StubWorker(RenderWorker):
    """The shell of a stub."""

    def _launcher(self, options: RendererOptions) -> Launch:
        return blender_launcher(self._id, options, actor_class())


def actor_class() -> Any:
    """``StubActor`` as a Ray actor class."""
    return ray.remote(StubActor)
