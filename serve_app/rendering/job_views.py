"""Has the views of one job rendered, and writes them into its staging folder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any

from render_actor.contract.types import BlenderReport, EncodedView
from serve_app.base.aio import to_thread_to_end
from serve_app.base.errors import ServiceError
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.store import JobStore
from serve_app.rendering.outcomes import FailedBatch, RenderedBatch
from serve_app.rendering.prepared import PreparedJob
from serve_app.rendering.retry_policy import MAX_LOST_RENDERERS
from serve_app.rendering.scene import hints_of
from serve_app.rendering.scheduler import ViewScheduler
from serve_app.rendering.view_work import ViewWork
from serve_app.templates.staging import StagingFolder
from serve_app.templates.views import RenderedViews, check_files, files_of, view_entry

_WRITERS = 4
"""Views of a batch that are checked and written at a time."""


class JobViews:
    """The views of one job while they are rendered.

    Args:
        prepared: the job; its staging folder is open, and holds the files of ``done`` and no others.
        done: views that an earlier server rendered; those that are rendered now are added to it.
        store: remembers which views are done.
        quarantine: of CADs that renderers are lost on.
    """

    def __init__(self, prepared: PreparedJob, done: RenderedViews, store: JobStore, quarantine: Quarantine) -> None:
        self._prepared, self._rendered, self._store, self._quarantine = prepared, done, store, quarantine

    async def render(self, scheduler: ViewScheduler, time_limit_sec: float, max_slowdown: float) -> RenderedViews:
        """Render what is not done.

        When this returns, or raises, nothing is written to the staging folder any more.

        Args:
            scheduler: shares the renderers between the jobs.
            time_limit_sec: a renderer that has not finished a batch by then is killed.
            max_slowdown: how many times a normal view a view may take.

        Returns:
            All views of the job.

        Raises:
            ServiceError: a view cannot be rendered, or its files cannot be written.
        """
        work = self._work(time_limit_sec, max_slowdown)
        try:
            async with aclosing(scheduler.views(work)) as outcomes:
                async for outcome in outcomes:
                    if isinstance(outcome, RenderedBatch):
                        await self._take(outcome)
                    else:
                        self._log_failure(outcome)
        except ServiceError:
            if work.retries.ends_renderers:
                reason = f"job {work.job_id} lost {MAX_LOST_RENDERERS} renderers on one of its views"
                await self._quarantine.add(self._prepared.cad.file_sha256, reason)
            raise
        return self._rendered

    def _work(self, time_limit_sec: float, max_slowdown: float) -> ViewWork:
        spec, cad = self._prepared.job.spec, self._prepared.cad
        return ViewWork(
            job_id=spec.job_id,
            group=spec.group,
            mesh_key=cad.key,
            mesh=cad.mesh,
            scene=self._prepared.scene,
            time_limit_sec=time_limit_sec,
            max_slowdown=max_slowdown,
            hints=hints_of(spec),
            interactive=spec.interactive,
            done_before=frozenset(self._rendered.entries),
        )

    async def _take(self, batch: RenderedBatch) -> None:
        """Write the files of a batch, and remember that its views are done."""
        result, log = batch.result, self._prepared.log
        if result.mesh_seconds:
            log.event("info", "mesh loaded into Blender", renderer=result.renderer, seconds=round(result.mesh_seconds, 3))
        if result.printed:
            log.event("debug", "Blender printed", renderer=result.renderer, text=result.printed)
        entries = await to_thread_to_end(_write_views, self._prepared.staging, batch.views, result.blender)
        versions = result.blender.versions if result.blender else {}
        await self._remember(entries, versions)
        self._rendered.versions.update(versions)
        self._rendered.add(entries)
        self._prepared.job.progress.views_done({entry["index"]: entry["seconds"] for entry in entries})
        for entry in entries:
            told = {name: entry[name] for name in ("samples", "estimated_error", "error_bound")}
            log.event("info", "view rendered", view=entry["index"], seconds=round(entry["seconds"], 3), renderer=result.renderer, **told)

    async def _remember(self, entries: list[dict[str, Any]], versions: dict[str, str]) -> None:
        rows = [(entry["index"], {"entry": entry, "versions": versions}) for entry in entries]
        try:
            await self._store.add_views(self._prepared.job.job_id, self._prepared.key, rows, self._prepared.staging.mark.to_json())
        except ServiceError as error:  # The files are there; only a restart would cost these views.
            self._prepared.log.event("warning", "views could not be stored", reason=error.detail)

    def _log_failure(self, batch: FailedBatch) -> None:
        result, failure, log = batch.result, batch.failure, self._prepared.log
        event = "views are rendered again" if batch.tried_again else "views failed"
        cause = {"cause": failure.cause} if failure.cause else {}
        log.event("warning", event, views=list(batch.views), code=failure.code, reason=failure.message, renderer=result.renderer, **cause)
        if result.printed:
            log.event("warning", "Blender printed", renderer=result.renderer, text=result.printed)


def _write_views(staging: StagingFolder, views: list[EncodedView], blender: BlenderReport | None) -> list[dict[str, Any]]:
    def write(view: EncodedView) -> dict[str, Any]:
        check_files(view)
        for name, data in files_of(view).items():
            staging.write(name, data)
        return view_entry(view, blender)

    with ThreadPoolExecutor(_WRITERS) as pool:
        return list(pool.map(write, views))
