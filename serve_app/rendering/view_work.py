"""The views of one job, as the scheduler shares the renderers between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from render_actor.contract.file_kinds import TEMPLATE, WantedFiles
from render_actor.contract.known_image import KnownImage
from render_actor.contract.scene import TemplateScene
from render_actor.contract.types import Sink, ViewBatch, ViewHints
from render_actor.contract.view_time import batch_limit_sec
from serve_app.rendering.retry_policy import RetryPolicy
from serve_app.rendering.view_progress import ViewProgress

MAX_UNTAKEN_BATCHES = 4
"""Batches of one work of which views may wait for their consumer: then it gets no renderer. Of so many views the files are fetched.

A batch is one to 32 views; one of 512 x 512 pixels that comes through the object store is 0.3 to 0.6 MB.
"""

_TOGETHER_SEC = 0.25
"""Views that are made within this time are told together: whoever looks at a job sees no difference."""

_MOST_TOGETHER_SEC = 2.0
_ANSWERS_A_SECOND = 50
"""Of all renderers together. Each costs the service about a millisecond, however many views it tells of."""


def together_sec(batches: int) -> float:
    """Seconds within which views are told together while so many batches are out."""
    return min(max(_TOGETHER_SEC, batches / _ANSWERS_A_SECOND), _MOST_TOGETHER_SEC)


@dataclass(eq=False)
class ViewWork:
    """What to render for one job, and how far that is.

    Attributes:
        job_id: for logs.
        group: works of different groups get equal shares; those of one group go in order.
        mesh_key: SHA-256 of the CAD and of every file it pulled in.
        mesh: Ray object reference to the ``CadMesh``.
        scene: how to render; one view for each of its camera poses.
        time_limit_sec: a renderer that has not finished a batch by then is killed; where images of so many pixels and samples
            take long, it gets longer.
        max_slowdown: how many times a normal view a view may take before it fails the job.
        hints: what the request asks for, for the messages of failed views.
        interactive: whether it goes before work that is not.
        done_before: views that need not be rendered.
        sink: where renderers write the files; None has them sent.
        wanted: the files that are made of each view.
        images: of views by index, that were rendered before.
        progress: the state of each view.
        retries: counts failed attempts.
        seconds_a_view: wall seconds that a view of the last batch took; None before there was one.
        untaken: batches of which the consumer is not done with every view that has arrived.
        out: batches that have not ended, or whose end the consumer does not know yet.
        given_up: whether it has failed, though its consumer may not know yet.
        too_slow: whether it has failed because a view takes too long.
    """

    job_id: str
    group: str
    mesh_key: str
    mesh: Any
    scene: TemplateScene
    time_limit_sec: float = 300.0
    max_slowdown: float = 60.0
    hints: ViewHints = field(default_factory=ViewHints)
    interactive: bool = True
    done_before: frozenset[int] = frozenset()
    sink: Sink | None = None
    wanted: WantedFiles = TEMPLATE
    images: Mapping[int, KnownImage] = field(default_factory=dict)
    progress: ViewProgress = field(init=False)
    retries: RetryPolicy = field(init=False, default_factory=RetryPolicy)
    seconds_a_view: float | None = field(init=False, default=None)
    untaken: int = field(init=False, default=0)
    out: int = field(init=False, default=0)
    given_up: bool = field(init=False, default=False)
    too_slow: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.progress = ViewProgress(len(self.scene.camera_poses), self.done_before)

    @property
    def wants_renderer(self) -> bool:
        """Whether there is a view to render, and its consumer keeps up."""
        return not self.given_up and self.progress.pending > 0 and self.untaken < MAX_UNTAKEN_BATCHES

    def batch(self, views: tuple[int, ...], fence: int, batches: int = 1) -> ViewBatch:
        """The request that goes to a renderer.

        Args:
            views: to render.
            fence: of this attempt.
            batches: that are out.
        """
        pixels = self.scene.pixels
        limit = batch_limit_sec(pixels, self.scene.sampling.most_samples(pixels), self.time_limit_sec)
        return ViewBatch(
            *(self.job_id, self.mesh_key, self.mesh, self.scene, views, fence, limit),
            *(self.hints, self.max_slowdown, self.sink, self.wanted),
            images={view: self.images[view] for view in views if view in self.images},
            together_sec=together_sec(batches),
        )
