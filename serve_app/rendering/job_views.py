"""Has the views of one job rendered, and writes them into its staging folder."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from types import MappingProxyType
from typing import Any

from render_actor.contract.known_image import KnownImage
from render_actor.contract.types import BatchResult
from serve_app.base.aio import to_thread_to_end
from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.store import JobStore
from serve_app.rendering.outcomes import ArrivedView, EndedBatch, FailedBatch
from serve_app.rendering.prepared import PreparedJob
from serve_app.rendering.retry_policy import MAX_LOST_RENDERERS
from serve_app.rendering.scene import hints_of
from serve_app.rendering.scheduler import ViewScheduler
from serve_app.rendering.view_work import ViewWork
from serve_app.templates.arrivals import Arrivals
from serve_app.templates.staging import StagingFolder
from serve_app.templates.views import RenderedViews, unpacked_files, view_entry

A_RENDERER = "a renderer to start"


class JobViews:
    """The views of one job while they are rendered.

    Args:
        prepared: the job; its staging folder is open, and holds the files of ``done`` and no others.
        done: views that an earlier server rendered; those that are rendered now are added to it.
        store: remembers which views are done.
        quarantine: of CADs that renderers are lost on.
        images: of views by index, that an earlier job rendered.
    """

    def __init__(
        self,
        prepared: PreparedJob,
        done: RenderedViews,
        store: JobStore,
        quarantine: Quarantine,
        images: Mapping[int, KnownImage] = MappingProxyType({}),
    ) -> None:
        self._prepared, self._rendered, self._store, self._quarantine = prepared, done, store, quarantine
        self._images = images

    async def render(self, scheduler: ViewScheduler, settings: Settings) -> RenderedViews:
        """Render what is not done.

        When this returns, or raises, nothing is written to the staging folder any more.

        Args:
            scheduler: shares the renderers between the jobs.
            settings: how long a view may take, and where renderers write the files.

        Returns:
            All views of the job.

        Raises:
            ServiceError: a view cannot be rendered, or its files cannot be written.
        """
        if settings.sink == "object_store":
            return await self._rendered_all(scheduler, settings, None)
        arrivals = Arrivals(self._prepared.staging, self._prepared.job.job_id)
        try:
            await to_thread_to_end(arrivals.open)
            return await self._rendered_all(scheduler, settings, arrivals)
        finally:
            await to_thread_to_end(arrivals.remove)

    async def _rendered_all(self, scheduler: ViewScheduler, settings: Settings, arrivals: Arrivals | None) -> RenderedViews:
        work = self._work(settings, arrivals)
        if not scheduler.renderer_ready():
            self._prepared.job.progress.waiting_for = A_RENDERER
            self._prepared.log.event("info", f"waits for {A_RENDERER}")
        try:
            async with aclosing(scheduler.views(work)) as given:
                async for outcomes in given:
                    await self._take([outcome for outcome in outcomes if isinstance(outcome, ArrivedView)], arrivals)
                    for outcome in outcomes:
                        if isinstance(outcome, EndedBatch):
                            self._log_end(outcome.result)
                        elif isinstance(outcome, FailedBatch):
                            self._log_failure(outcome)
        except ServiceError:
            if work.retries.ends_renderers:
                reason = f"job {work.job_id} lost {MAX_LOST_RENDERERS} renderers on one of its views"
                await self._quarantine.add(self._prepared.cad.file_sha256, reason)
            raise
        return self._rendered

    def _work(self, settings: Settings, arrivals: Arrivals | None) -> ViewWork:
        spec, cad = self._prepared.job.spec, self._prepared.cad
        return ViewWork(
            job_id=spec.job_id,
            group=spec.group,
            mesh_key=cad.key,
            mesh=cad.mesh,
            scene=self._prepared.scene,
            time_limit_sec=settings.view_timeout_sec,
            max_slowdown=settings.max_view_slowdown,
            hints=hints_of(spec),
            interactive=spec.interactive,
            done_before=frozenset(self._rendered.entries),
            # Output folders may be shared by configuration; the data folder, where the server's own results lie, need not be.
            sink=arrivals.sink(required=settings.sink == "direct" and spec.results_ttl_sec is None) if arrivals else None,
            wanted=self._prepared.wanted,
            images=self._images,
        )

    async def _take(self, arrived: list[ArrivedView], arrivals: Arrivals | None) -> None:
        """Put views' files into the staging folder, and remember that they are done."""
        if not arrived:
            return
        await to_thread_to_end(_collect, self._prepared.staging, arrived, arrivals)
        rows = [(each.view.view, {"entry": view_entry(each.view), "versions": _versions(each)}) for each in arrived]
        await self._remember(rows)
        for each, (_, row) in zip(arrived, rows, strict=True):
            view, entry = each.view, row["entry"]
            self._rendered.versions.update(row["versions"])
            self._rendered.add([entry])
            told = {name: entry[name] for name in ("samples", "estimated_error", "error_bound")}
            told |= {"seconds": round(view.seconds, 3), "renderer": view.renderer, "written_by": "renderer" if view.in_sink else "server"}
            self._prepared.log.event("info", "view rendered", view=view.view, **told)
        self._prepared.job.progress.views_done({view: row["entry"]["seconds"] for view, row in rows})

    async def _remember(self, rows: list[tuple[int, dict[str, Any]]]) -> None:
        try:
            await self._store.add_views(self._prepared.job.job_id, self._prepared.key, rows, self._prepared.staging.mark.to_json())
        except ServiceError as error:  # The files are there; only a restart would cost these views.
            self._prepared.log.event("warning", "views could not be stored", reason=error.detail)

    def _log_end(self, result: BatchResult) -> None:
        log = self._prepared.log
        if result.mesh_seconds:
            log.event("info", "mesh loaded into Blender", renderer=result.renderer, seconds=round(result.mesh_seconds, 3))
        if result.printed:
            log.event("debug", "Blender printed", renderer=result.renderer, text=result.printed)
        if result.sink_refused:
            log.event("info", "the renderer's files came through the object store", renderer=result.renderer, reason=result.sink_refused)

    def _log_failure(self, batch: FailedBatch) -> None:
        result, failure, log = batch.result, batch.failure, self._prepared.log
        event = "views are rendered again" if batch.tried_again else "views failed"
        cause = {"cause": failure.cause} if failure.cause else {}
        log.event("warning", event, views=list(batch.views), code=failure.code, reason=failure.message, renderer=result.renderer, **cause)
        if result.printed:
            log.event("warning", "Blender printed", renderer=result.renderer, text=result.printed)


def _versions(arrived: ArrivedView) -> dict[str, str]:
    return arrived.view.blender.versions if arrived.view.blender else {}


def _collect(staging: StagingFolder, arrived: list[ArrivedView], arrivals: Arrivals | None) -> None:
    for each in arrived:  # One after another: jobs run beside each other, and threads for a few ms of work cost more than they save.
        if each.packed is None:
            assert arrivals is not None
            arrivals.take(each.view, each.fence)
        else:
            for name, data in unpacked_files(each.view, each.packed).items():
                staging.write(name, data)
