"""What jobs have rendered, as clients ask for it."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from serve_app.base.settings import Settings
from serve_app.jobs.record import JobRecord
from serve_app.rendering.live_views import LiveViewsOfJobs
from serve_app.service.archives import JobArchives
from serve_app.service.job_pictures import Content, JobPictures
from serve_app.service.open_results import OpenResults
from serve_app.templates.result_views import ResultViews


class JobResults:
    """The results of jobs.

    Args:
        settings: of the service.
        record_of: gives a job as it is at this moment; raises ``ServiceError`` where there is none.
        live: views of the jobs that are being rendered.

    Attributes:
        pictures: of views.
        archives: all files of a job as one.
    """

    def __init__(self, settings: Settings, record_of: Callable[[str], Awaitable[JobRecord]], live: LiveViewsOfJobs) -> None:
        self._opener = OpenResults(settings, record_of, live)
        self.pictures, self.archives = JobPictures(self._opener), JobArchives(self._opener)

    async def views(self, job_id: str) -> ResultViews | None:
        """A job's views; see ``OpenResults.views``."""
        return await self._opener.views(job_id)

    async def manifest(self, job_id: str) -> bytes:
        """JSON text of a job's manifest; see ``OpenResults.manifest``."""
        return await self._opener.manifest(job_id)

    async def manifest_file(self, job_id: str, known: Callable[[str], bool]) -> Content:
        """The same as a file; see ``JobPictures.picture``, and ``OpenResults.published`` for what is raised."""
        async with self._opener.published(job_id) as opened:
            manifest = opened.folder.manifest
            etag = hashlib.sha256(manifest).hexdigest()[:32]
            return Content(etag, True, None if known(etag) else manifest)
