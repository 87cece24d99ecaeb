"""Lets identical jobs that run at the same time share one rendering."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from serve_app.base.aio import run_to_end, to_thread_to_end
from serve_app.base.errors import ServiceError
from serve_app.templates.copy import DamagedFileError
from serve_app.templates.staging import StagingFolder
from serve_app.templates.views import RenderedViews

_OF_THE_REQUEST = frozenset(
    ("view_blank", "view_clipped", "camera_inside_object", "render_failed", "out_of_memory", "renderer_lost", "renderer_start_failed")
)
"""Failures that every job with the same rendering would meet; of any other, like a cancellation, the others know nothing."""


class SharedRendering:
    """One rendering, its leader, who renders, and its followers, who get copies.

    Each follower makes its own copy: when it is cancelled it waits for the copy to end, and nobody writes to its folder after that.
    """

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[StagingFolder, RenderedViews] | ServiceError | None] = asyncio.Future()
        self._ended = False
        self._followers = 0
        self._left_alone = asyncio.Event()

    async def join(self, staging: StagingFolder) -> RenderedViews | None:
        """Wait for the leader, and fill a staging folder with copies of its files.

        Returns:
            The views, or None when the leader was stopped for reasons of its own and the caller should see for itself.

        Raises:
            ServiceError: the leader failed in a way that the caller would, too, or the staging folder cannot be written.
        """
        if self._ended:  # Its files have gone their way.
            return None
        self._followers += 1
        try:
            answer = await asyncio.shield(self._answer)
            if isinstance(answer, ServiceError):
                raise ServiceError(answer.code, answer.detail, answer.field)
            if answer is None:
                return None
            source, rendered = answer
            await to_thread_to_end(_fill, staging, source, rendered)
            return rendered
        except DamagedFileError as error:
            raise ServiceError("internal_error", str(error)) from error
        finally:
            self._followers -= 1
            if not self._followers:
                self._left_alone.set()

    async def give(self, source: StagingFolder, rendered: RenderedViews) -> None:
        """Have every follower copy the leader's files; they lie still until this returns, or raises."""
        self._answer.set_result((source, rendered))
        await run_to_end(self._until_left_alone())

    async def _until_left_alone(self) -> None:
        while self._followers:
            self._left_alone.clear()
            await self._left_alone.wait()

    def end(self, error: BaseException | None) -> None:
        """The leader has ended; followers that got nothing are told so."""
        self._ended = True
        if not self._answer.done():
            self._answer.set_result(error if isinstance(error, ServiceError) and error.code in _OF_THE_REQUEST else None)


def _fill(staging: StagingFolder, source: StagingFolder, rendered: RenderedViews) -> None:
    staging.keep_only(set())  # An earlier server may have left views there.
    staging.copy_from(source.folder, rendered.hashes())


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
