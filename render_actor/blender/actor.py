"""The Ray actor whose process is a warm Blender."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ray

from render_actor.blender.failures import render_failure, start_failure
from render_actor.contract.types import BatchResult, BlenderReport, Failure, RendererOptions, ViewBatch
from render_actor.contract.view_files import BatchAnswer, PackedView
from render_actor.contract.view_time import most_view_sec, view_limit_sec
from render_actor.process.cpu_affinity import CoreClaim, narrowed_to
from render_actor.process.output_capture import captured_output
from render_actor.process.process_handle import end_with
from render_actor.view.checks import view_failure
from render_actor.view.encoding import decode_rgb
from render_actor.view.too_slow import ViewTooSlowError, too_slow_failure
from render_actor.view.traced import TracedView
from render_actor.view.view_output import MadeView, ViewFailedError, ViewOutput

if TYPE_CHECKING:
    from render_actor.blender.scene import BlenderScene


_NICENESS = 10
"""Added to the process's: rendering takes every core that there is, and the server's other processes, which answer requests on the same
cores, come first. Where nobody asks it costs nothing."""


class BlenderActor:
    """Renders view batches, one after another, on the main thread of a process of its own.

    It must stay a plain synchronous class: Blender crashes on any thread but the main one, and only such an actor runs its
    methods there.

    Args:
        renderer: id of the renderer, for logs.
        options: how it is set up.
        owner: process id of the renderer's replica, on the same machine; this process ends when that one does.
        cores: of the Blender that it will replace, which still holds them; empty to claim cores of its own.
    """

    def __init__(self, renderer: str, options: RendererOptions, owner: int, cores: tuple[int, ...] = ()) -> None:
        end_with(owner)
        os.nice(_NICENESS)
        self._renderer, self._options, self._cores = renderer, options, cores
        self._scene: BlenderScene | None = None
        self._began = time.monotonic()
        self._claim = CoreClaim(0 if cores else options.threads)

    def warm_up(self) -> BlenderReport | Failure:
        """Import Blender, set it up and render a first small view; called once, before anything else.

        Returns:
            What Blender says of itself, or why it could not be set up.
        """
        assert threading.current_thread() is threading.main_thread()
        try:
            with captured_output() as output, self._pinned():
                from render_actor.blender import session as blenderproc_session
                from render_actor.blender.scene import BlenderScene

                options = self._options
                device = blenderproc_session.start_session(device=options.device, num_gpus=options.num_gpus, threads=options.threads)
                self._scene = BlenderScene(options.warm_meshes)
                self._scene.warm_up()
        except Exception as error:  # Whatever broke, clients are told in one form.
            return start_failure(error, output.text)
        cores = tuple(sorted(os.sched_getaffinity(0)))
        return BlenderReport(device, os.getpid(), cores, blenderproc_session.versions(), time.monotonic() - self._began)

    @contextmanager
    def _pinned(self) -> Iterator[None]:
        """Pinned to its cores, where it has cores of its own, before Blender is imported: that counts them, and starts threads."""
        if self._cores:
            os.sched_setaffinity(0, self._cores)
        else:
            self._claim.pin()
        with narrowed_to(self._options.threads):
            yield

    def take_over_cores(self) -> None:
        """Claim the cores of the Blender that this one replaces, once that is gone."""
        self._claim = CoreClaim(len(self._cores), among=self._cores)

    def render(self, batch: ViewBatch) -> Iterator[BatchAnswer | tuple[PackedView, ...]]:
        """Render a batch; errors are in the result and are not raised.

        Yields:
            The views soon after their files are made, which is while the next one is traced; after an answer that has views which are not
            in the batch's sink, the files of these in their order: Ray stores them apart, so that they travel once, and together, since
            each object costs every process on its way a millisecond. The last answer has the result.
        """
        failure, mesh_seconds, began = None, 0.0, time.monotonic()
        made: list[MadeView] = []
        with captured_output() as printed, self._output(batch) as output:
            try:
                mesh_seconds = self._load(batch)
                yield from self._views(batch, output, made)
            except ViewFailedError as error:
                failure = error.failure
            except Exception as error:
                failure = render_failure(error)
        seconds = time.monotonic() - began - mesh_seconds
        yield from _answer(made, BatchResult(self._renderer, failure, mesh_seconds, seconds, printed.text, output.refused))

    def _output(self, batch: ViewBatch) -> ViewOutput:
        """Takes the views of a batch to where their files go."""
        return ViewOutput(batch)

    def _views(self, batch: ViewBatch, output: ViewOutput, made: list[MadeView]) -> Iterator[BatchAnswer | tuple[PackedView, ...]]:
        """Render the views; those whose files are made and that are not told yet are in ``made``."""
        told_at = time.monotonic()
        for view in batch.views:
            traced = self._render_view(batch, view)
            made += output.finished()
            if isinstance(traced, Failure):
                raise ViewFailedError(traced)
            output.take(traced)
            if made and time.monotonic() - told_at > batch.together_sec:
                yield from _answer(made)
                made.clear()
                told_at = time.monotonic()
        made += output.finished()

    def _load(self, batch: ViewBatch) -> float:
        assert self._scene is not None
        began = time.monotonic()
        warm = batch.mesh_key in self._scene.meshes
        if not warm:
            self._scene.meshes.load(ray.get(batch.mesh))
        self._scene.show(batch.mesh_key, batch.scene)
        return 0.0 if warm else time.monotonic() - began

    def _render_view(self, batch: ViewBatch, view: int) -> TracedView | Failure:
        assert self._scene is not None
        began = time.monotonic()
        pixels, samples = self._scene.pixels(batch.scene, view), batch.scene.sampling.samples
        limit = view_limit_sec(pixels, samples, batch.max_slowdown, batch.time_limit_sec)
        try:
            mask, xyz, surface = self._scene.seen(batch.scene, view, limit, with_surface=batch.wanted.of_rays)
            failure = view_failure(mask, view, batch.hints)
            if failure is not None:
                return failure
            if view in batch.images:
                rgb, quality = decode_rgb(batch.images[view].png), batch.images[view].quality
            else:
                rgb, quality = self._scene.rgb(batch.scene, view, mask, limit, most_view_sec(batch.time_limit_sec))
        except ViewTooSlowError as error:
            return too_slow_failure(view, limit, error)
        return TracedView(view, rgb, mask, xyz, time.monotonic() - began, quality, surface)


def _answer(made: list[MadeView], result: BatchResult | None = None) -> Iterator[BatchAnswer | tuple[PackedView, ...]]:
    yield BatchAnswer(tuple(view.told for view in made), result)
    if files := tuple(view.files for view in made if view.files is not None):
        yield files


def remote_actor_class() -> Any:
    """``BlenderActor`` as a Ray actor class."""
    return ray.remote(BlenderActor)
