"""Renders once what several jobs ask for at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from render_actor.contract.file_kinds import TEMPLATE, WantedFiles
from serve_app.base.aio import to_thread_to_end
from serve_app.base.directory import Directory
from serve_app.base.errors import ServiceError
from serve_app.base.logs import server_event
from serve_app.templates.copy import DamagedFileError
from serve_app.templates.places import Places
from serve_app.templates.staging import StagingFolder
from serve_app.templates.views import RenderedViews

_OF_THE_REQUEST = frozenset(
    (
        *("view_blank", "view_clipped", "camera_inside_object", "view_too_slow"),
        *("render_failed", "out_of_memory", "renderer_lost", "renderer_start_failed"),
    )
)
"""Failures that every job with the same rendering would meet; of any other, like a cancellation, the others know nothing."""


class Source(NamedTuple):
    """What another job has published; see ``Flight.published``."""

    folder: Path
    rendered: RenderedViews
    places: Places
    wanted: WantedFiles


class Flight:
    """One job that wants a rendering, and what a job before it has left it."""

    def __init__(self, others: set[Flight]) -> None:
        self._others = others
        self._sources: list[Source] = []
        self._error: ServiceError | None = None

    def offers(self, wanted: WantedFiles = TEMPLATE) -> bool:
        """Whether a job before this one has published the same rendering, with all files that are wanted, while this one waited."""
        return self._covering(wanted) is not None

    def _covering(self, wanted: WantedFiles) -> Source | None:
        """What was published last and has all of these files, or None."""
        return next((source for source in reversed(self._sources) if source.wanted.covers(wanted)), None)

    async def copy_into(self, staging: StagingFolder, wanted: WantedFiles = TEMPLATE) -> RenderedViews | None:
        """Copy what a job before this one has published, each file checked against its SHA-256.

        Args:
            staging: of this job.
            wanted: the files that it needs.

        Returns:
            The views; or None when there is no such job, it had not all of these files, or its folder was changed since. The staging
            folder is empty then.

        Raises:
            ServiceError: the staging folder cannot be written.
        """
        source = self._covering(wanted)
        if source is None:
            return None
        rendered = source.rendered.only(wanted.kinds)
        try:
            await to_thread_to_end(_copy, source, staging, rendered)
        except DamagedFileError as error:
            server_event("warning", "templates that another job has published cannot be copied", reason=str(error))
            await to_thread_to_end(staging.keep_only, set())
            return None
        return rendered

    def published(self, folder: Path, rendered: RenderedViews, places: Places | None = None, wanted: WantedFiles = TEMPLATE) -> None:
        """Tell the jobs that wait now where the finished templates lie.

        Args:
            folder: that was published.
            rendered: the views in it.
            places: of their files in it; None where it is flat.
            wanted: the files that it has of each view.
        """
        for other in self._others:
            other._sources.append(Source(folder, rendered, places or {}, wanted))

    def failed(self, error: ServiceError) -> None:
        """Tell the jobs that wait now of a failure that they would meet, too."""
        if error.code in _OF_THE_REQUEST:
            for other in self._others:
                other._error = error

    def check(self) -> None:
        """Raise the failure that a job before this one has left, if any."""
        if self._error is not None:
            raise ServiceError(self._error.code, self._error.detail, self._error.field)


class _Key:
    """The jobs that want one rendering: one has the lock, the others wait for it.

    Attributes:
        holder: id of the job that has the lock, or had it last.
    """

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting: set[Flight] = set()
        self.holder = ""


class SingleFlight:
    """Lets one job at a time work on a rendering; the next one finds what it has left."""

    def __init__(self) -> None:
        self._keys: dict[str, _Key] = {}

    def holder(self, key: str) -> str | None:
        """Id of the job that works on this rendering, so that another one would wait; None where there is none."""
        return self._keys[key].holder if key in self._keys else None

    @asynccontextmanager
    async def hold(self, key: str, job_id: str = "") -> AsyncIterator[Flight]:
        """Wait until no other job works on this rendering, and hold it until the templates are published.

        Args:
            key: of the rendering.
            job_id: of the job that is to hold it.

        Raises:
            ServiceError: the job before failed in a way that this one would, too.
        """
        jobs = self._keys.setdefault(key, _Key())
        flight = Flight(jobs.waiting)
        jobs.waiting.add(flight)
        try:
            async with jobs.lock:
                jobs.waiting.discard(flight)
                flight.check()
                jobs.holder = job_id
                try:
                    yield flight
                except ServiceError as error:
                    flight.failed(error)
                    raise
        finally:
            jobs.waiting.discard(flight)
            if not jobs.waiting and not jobs.lock.locked():
                del self._keys[key]


def _copy(source: Source, staging: StagingFolder, rendered: RenderedViews) -> None:
    try:
        folder = Directory.open(source.folder)
    except OSError as error:
        raise DamagedFileError(f"the folder cannot be opened: {error.strerror}") from error
    with folder:
        staging.copy_from(folder, rendered.files(), source.places)
