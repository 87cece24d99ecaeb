"""Pictures of a job's views, one by one and all on a sheet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from serve_app.base.aio import to_thread_to_end
from serve_app.base.errors import ServiceError
from serve_app.service.contact_sheet import ContactSheet, SheetForm
from serve_app.service.open_results import OpenResults, not_ready
from serve_app.service.published import gone
from serve_app.service.view_pictures import ChangedViewError, PictureName, ViewPicture, not_kept, source_of

MAX_MADE = 2
"""Pictures that are made at a time: the machine is there to render."""

MAX_WAITING = 128
"""Pictures that wait for their turn; each holds its job's folder open."""

_RETRY_SEC = 2


@dataclass(frozen=True)
class Content:
    """What is answered with.

    Attributes:
        etag: tells it from any other.
        final: whether it stays as it is, for as long as the job's files are there.
        data: None where the client has it.
    """

    etag: str
    final: bool
    data: bytes | None


class JobPictures:
    """The pictures of jobs.

    Args:
        results: of the jobs.
    """

    def __init__(self, results: OpenResults) -> None:
        self._results = results
        self._places, self._here = asyncio.Semaphore(MAX_MADE), 0

    async def picture(self, job_id: str, view: int, name: PictureName, known: Callable[[str], bool]) -> Content:
        """A picture of a view, as soon as the view is there.

        Args:
            job_id: of the job.
            view: index.
            name: which picture.
            known: whether the client has what has this etag.

        Raises:
            ServiceError: ``not_found``, ``view_not_ready``, or as ``opened``.
        """
        async with self._results.opened(job_id) as opened:
            views = opened.views
            if view >= views.total:
                raise ServiceError("not_found", f"job {job_id!r} has {views.total} views, from 0 to {views.total - 1}; got {view}", "view")
            if source_of(views, name) is None:
                raise not_kept(views, name)
            if view not in views.entries:
                raise not_ready(f"view {view} of job {job_id!r} is not rendered yet")
            picture = ViewPicture(views, opened.folder, view, name)
            return await self._content(job_id, picture, known, final=True)

    async def sheet(self, job_id: str, form: SheetForm, known: Callable[[str], bool]) -> Content:
        """All views of a job on one image; see ``picture``."""
        async with self._results.opened(job_id) as opened:
            sheet = ContactSheet(opened.views, opened.folder, form)
            return await self._content(job_id, sheet, known, final=opened.views.final)

    async def _content(self, job_id: str, made: ViewPicture | ContactSheet, known: Callable[[str], bool], *, final: bool) -> Content:
        etag = made.etag
        if known(etag):
            return Content(etag, final, None)
        try:
            if isinstance(made, ViewPicture) and made.as_it_is:
                return Content(etag, final, await to_thread_to_end(made.data))
            return Content(etag, final, await self._made(made))
        except ChangedViewError as error:
            if await self._results.may_come(job_id):
                raise not_ready(f"a file of job {job_id!r} is being moved") from error
            raise gone(job_id) from error

    async def _made(self, made: ViewPicture | ContactSheet) -> bytes:
        if self._here >= MAX_MADE + MAX_WAITING:
            raise ServiceError(
                "too_many_waiting", f"{self._here} pictures are being made or wait for that; try again in {_RETRY_SEC} s", None, _RETRY_SEC
            )
        self._here += 1
        try:
            async with self._places:
                return await to_thread_to_end(made.data)
        finally:
            self._here -= 1
