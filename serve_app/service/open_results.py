"""Finds what a job has rendered: its views, while they come and when they are published, and all its files."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from serve_app.base.directory import Directory
from serve_app.base.errors import ServiceError
from serve_app.base.output_roots import OutputRoots
from serve_app.base.settings import Settings
from serve_app.jobs.record import JobRecord
from serve_app.jobs.states import FINAL_STATES
from serve_app.rendering.live_views import LiveViews, LiveViewsOfJobs
from serve_app.service.manifests import manifest_of
from serve_app.service.published import PublishedFolder, gone
from serve_app.templates.kept_manifests import KeptManifests
from serve_app.templates.result_views import ResultViews, views_of_manifest

_KNOWN = 64
"""Manifests that stay parsed."""

_RETRY_SEC = 2


@dataclass(frozen=True)
class OpenViews:
    """A job's views, and the folder that their files lie in, held open."""

    views: ResultViews
    folder: Directory


@dataclass(frozen=True)
class OpenFolder:
    """The folder of a job that has succeeded, held open, and what its manifest tells."""

    folder: PublishedFolder
    views: ResultViews


class OpenResults:
    """Opens what jobs have rendered.

    Args:
        settings: of the service.
        record_of: gives a job as it is at this moment; raises ``ServiceError`` where there is none.
        live: views of the jobs that are being rendered.
    """

    def __init__(self, settings: Settings, record_of: Callable[[str], Awaitable[JobRecord]], live: LiveViewsOfJobs) -> None:
        self._record_of, self._live = record_of, live
        self._roots, self._kept = OutputRoots.of_server(settings), KeptManifests.of_server(settings)
        self._parsed: OrderedDict[str, ResultViews] = OrderedDict()

    async def views(self, job_id: str) -> ResultViews | None:
        """A job's views; None where its cameras are not known yet, or it has ended without any.

        Raises:
            ServiceError: ``job_not_found``, or ``results_gone``.
        """
        live = self._live.get(job_id)
        if live is not None:
            return _live_views(live)
        record = await self._record_of(job_id)
        if not _may_be_published(record):
            return None
        try:
            async with self._published(record) as opened:
                return opened.views
        except ServiceError:
            if record.status in FINAL_STATES:
                raise
            return None

    @asynccontextmanager
    async def opened(self, job_id: str) -> AsyncIterator[OpenViews]:
        """A job's views with the folder that their files lie in.

        Raises:
            ServiceError: ``job_not_found``; ``view_not_ready`` while its cameras are not known; ``no_results`` where it has ended without
                any; ``results_gone``.
        """
        live = self._live.get(job_id)
        if live is not None:
            with live.reading() as folder:
                yield OpenViews(_live_views(live), folder)
            return
        record = await self._record_of(job_id)
        if record.status not in FINAL_STATES and not _may_be_published(record):
            raise not_ready(f"job {job_id!r} is {record.status} and has rendered no view yet")
        check_succeeded(record)
        async with self._published(record) as opened:
            yield OpenViews(opened.views, opened.folder.folder)

    @asynccontextmanager
    async def _published(self, record: JobRecord) -> AsyncIterator[OpenFolder]:
        opening = asyncio.ensure_future(asyncio.to_thread(PublishedFolder.open, record, self._roots, self._kept))
        try:
            published = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close)  # The thread goes on, and nobody else would let its folder go.
            raise
        try:
            yield OpenFolder(published, await self._parse(record.job_id, published))
        finally:
            published.close()

    async def _parse(self, job_id: str, published: PublishedFolder) -> ResultViews:
        key = f"{job_id} {hashlib.sha256(published.manifest).hexdigest()}"
        views = self._parsed.pop(key, None)
        if views is None:
            try:
                views = await asyncio.to_thread(views_of_manifest, published.manifest)
            except ValueError as error:
                raise gone(job_id) from error
        self._parsed[key] = views
        while len(self._parsed) > _KNOWN:
            self._parsed.popitem(last=False)
        return views

    async def may_come(self, job_id: str) -> bool:
        """Whether a job may yet bring views; raises where there is no such job."""
        return (await self._record_of(job_id)).status not in FINAL_STATES

    async def manifest(self, job_id: str) -> bytes:
        """JSON text of a job's manifest, from the folder that it published or, where its layout wants none there, from the server's own.

        Raises:
            ServiceError: ``not_found``.
        """
        record = await self._record_of(job_id)
        return await asyncio.to_thread(manifest_of, record, self._roots, self._kept)

    @asynccontextmanager
    async def published(self, job_id: str) -> AsyncIterator[OpenFolder]:
        """The folder of a job that has succeeded, held open.

        Raises:
            ServiceError: ``job_not_found``, ``job_not_finished``, ``no_results`` or ``results_gone``.
        """
        record = await self._record_of(job_id)
        if record.status not in FINAL_STATES:
            raise ServiceError(
                "job_not_finished",
                f"job {job_id!r} is {record.status}: its files are there when it has succeeded; each view is as soon as it is rendered",
                "job_id",
                retry_after_sec=_RETRY_SEC,
            )
        check_succeeded(record)
        async with self._published(record) as opened:
            yield opened


def _close(opening: asyncio.Future[PublishedFolder]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def check_succeeded(record: JobRecord) -> None:
    """Refuse to look for files of a job that has ended without any.

    Raises:
        ServiceError: ``no_results``.
    """
    if record.status in FINAL_STATES and record.status != "succeeded":
        why = f": {record.error.detail}" if record.error else ""
        raise ServiceError("no_results", f"job {record.job_id!r} is {record.status} and has no files{why}", "job_id")


def not_ready(detail: str) -> ServiceError:
    """What a client is told of a view that will come."""
    return ServiceError("view_not_ready", f"{detail}; ask again in a moment", "job_id", retry_after_sec=_RETRY_SEC)


def _may_be_published(record: JobRecord) -> bool:
    """Whether there may be a folder: between its renaming and its job's end lies a moment."""
    return record.status == "succeeded" or (record.status == "running" and 0 < record.total_poses == len(record.view_seconds))


def _live_views(live: LiveViews) -> ResultViews:
    prepared = live.prepared
    scene, wanted = prepared.scene, prepared.wanted
    return ResultViews(
        layout=prepared.layout,
        kinds=wanted.kinds,
        width=scene.width,
        height=scene.height,
        poses=live.poses,
        intrinsics=scene.intrinsics,
        bounds_mm=prepared.cad.corners * scene.xyz_scale,
        depth_scale=wanted.depth_scale if "depth" in wanted.kinds else None,
        entries=live.entries,
        final=False,
    )
