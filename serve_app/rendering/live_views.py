"""The views of jobs that are being rendered, for whoever looks at them before they are published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from serve_app.base.directory import Directory
from serve_app.rendering.prepared import PreparedJob
from serve_app.templates.views import RenderedViews


class LiveViews:
    """One job's views while they come. It belongs to the event loop.

    The folder is held open on its own, so that a reader never meets a descriptor that its job has let go of: what has been renamed is read
    on, and what has been removed is not there.

    Args:
        prepared: whose; its staging folder is open.

    Attributes:
        prepared: see above.
        rendered: those that are done.
        folder: that they lie in.
        poses: (N, 4, 4) object to camera, OpenCV axes, mm.
    """

    def __init__(self, prepared: PreparedJob) -> None:
        self.prepared, self.rendered = prepared, RenderedViews()
        self.folder: Directory = prepared.staging.directory.again()
        self.poses = prepared.scene.model_to_camera_mm()
        self._readers, self._ended = 0, False

    @property
    def entries(self) -> Mapping[int, dict[str, Any]]:
        """What is known of each view that is done, by index; its files by the names of ``file_names``."""
        return MappingProxyType(self.rendered.entries)

    @contextmanager
    def reading(self) -> Iterator[Directory]:
        """The folder, which stays open for as long as the context lasts."""
        self._readers += 1
        try:
            yield self.folder
        finally:
            self._readers -= 1
            self._close_if_unused()

    def end(self) -> None:
        """The job has no views of its own any more: they are published, or have gone."""
        self._ended = True
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._ended and not self._readers:
            self.folder.close()


class LiveViewsOfJobs:
    """Jobs whose views are being collected, by id."""

    def __init__(self) -> None:
        self._views: dict[str, LiveViews] = {}

    def get(self, job_id: str) -> LiveViews | None:
        """Those of a job; None where it has not begun, or has ended."""
        return self._views.get(job_id)

    @contextmanager
    def collecting(self, prepared: PreparedJob) -> Iterator[LiveViews]:
        """Show a job's views for as long as the context lasts; its staging folder is open when it begins."""
        live = self._views[prepared.job.job_id] = LiveViews(prepared)
        try:
            yield live
        finally:
            del self._views[prepared.job.job_id]
            live.end()
