"""Lets identical jobs that run at the same time share one rendering."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from serve_app.errors import ServiceError
from serve_app.file_copy import DamagedFileError
from serve_app.rendered_views import RenderedViews
from serve_app.staging import StagingFolder

_OF_THE_REQUEST = frozenset(
    ("view_blank", "view_clipped", "camera_inside_object", "render_failed", "out_of_memory", "renderer_lost", "renderer_start_failed")
)
"""Failures that every job with the same rendering would meet; of any other, like a cancellation, the others know nothing."""


class SharedRendering:
    """One rendering, its leader, who renders, and its followers, who get copies."""

    def __init__(self) -> None:
        self._followers: list[tuple[StagingFolder, asyncio.Future[RenderedViews | None]]] = []
        self._ended = False

    async def join(self, staging: StagingFolder) -> RenderedViews | None:
        """Wait for the leader to fill a staging folder.

        Returns:
            The views, or None when the leader was stopped for reasons of its own and the caller should see for itself.

        Raises:
            ServiceError: the leader failed in a way that the caller would, too.
        """
        if self._ended:  # Nobody would answer any more.
            return None
        future: asyncio.Future[RenderedViews | None] = asyncio.get_running_loop().create_future()
        self._followers.append((staging, future))
        return await future

    async def give(self, source: StagingFolder, rendered: RenderedViews) -> None:
        """Copy the leader's files to every follower."""
        for staging, future in self._followers:
            if future.done():
                continue
            try:
                await asyncio.to_thread(_fill, staging, source, rendered)
            except (ServiceError, DamagedFileError) as error:
                _set_error(future, error if isinstance(error, ServiceError) else ServiceError("internal_error", str(error)))
                continue
            if not future.done():
                future.set_result(rendered)

    def end(self, error: BaseException | None) -> None:
        """The leader has ended; followers that got nothing are told so."""
        self._ended = True
        for _, future in self._followers:
            if future.done():
                continue
            if isinstance(error, ServiceError) and error.code in _OF_THE_REQUEST:
                _set_error(future, error)
            else:
                future.set_result(None)


def _fill(staging: StagingFolder, source: StagingFolder, rendered: RenderedViews) -> None:
    staging.keep_only(set())  # An earlier server may have left views there.
    staging.copy_from(source.folder, rendered.hashes())


def _set_error(future: asyncio.Future[RenderedViews | None], error: ServiceError) -> None:
    if not future.done():
        future.set_exception(ServiceError(error.code, error.detail, error.field))


class RenderingsInFlight:
    """The renderings that have a leader, by key."""

    def __init__(self) -> None:
        self._shared: dict[str, SharedRendering] = {}

    def get(self, key: str) -> SharedRendering | None:
        """The rendering of a key that is under way."""
        return self._shared.get(key)

    @contextmanager
    def lead(self, key: str) -> Iterator[SharedRendering]:
        """Be the leader of a key for the length of the ``with``; there must be none."""
        assert key not in self._shared
        shared = self._shared[key] = SharedRendering()
        error: BaseException | None = None
        try:
            yield shared
        except BaseException as raised:
            error = raised
            raise
        finally:
            del self._shared[key]
            shared.end(error)
