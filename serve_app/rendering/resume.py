"""What an earlier server rendered or published of a job before it ended."""

from __future__ import annotations

from serve_app.base.aio import to_thread_to_end
from serve_app.base.output_roots import OutputRoots
from serve_app.jobs.job import Job
from serve_app.jobs.store import JobStore
from serve_app.rendering.prepared import PreparedJob
from serve_app.templates.leftovers import remove_leftovers_of
from serve_app.templates.publishing import StagingMark
from serve_app.templates.replaceable import read_manifest
from serve_app.templates.staging import intact
from serve_app.templates.views import RenderedViews


def published_before(job: Job, roots: OutputRoots) -> RenderedViews | None:
    """What an earlier server published of this very job just before it ended; None when it did not.

    Every file is held against its SHA-256. When it was published, what is left of its staging folders is removed.

    Args:
        job: any.
        roots: the way to its folder.

    Raises:
        ServiceError: a request may not write there (any more).
    """
    target = job.spec.templates_dir
    try:
        with roots.opened(target, job.spec.request.output_dir) as parent:
            if not job.recovered or parent is None:
                return None
            with parent.folder(target.name) as folder:
                manifest = read_manifest(folder)
                if manifest is None or manifest["job_id"] != job.job_id:
                    return None
                rendered = RenderedViews.from_json({"entries": manifest["views"], "versions": manifest["versions"]})
                if not rendered.entries or not intact(folder, rendered.hashes()):
                    return None
            remove_leftovers_of(parent, job.job_id)  # One may hold the folder that this one replaced.
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return rendered


async def open_staging(prepared: PreparedJob, store: JobStore) -> None:
    """Open a job's staging folder: that of an earlier server, where there is one, with the views in it.

    Args:
        prepared: whose.
        store: remembers the folder.

    Raises:
        ServiceError: it cannot be made.
    """
    job, staging = prepared.job, prepared.staging
    text = await store.staging(job.job_id) if job.recovered else None
    await to_thread_to_end(staging.open, StagingMark.from_json(text) if text else None)
    if job.recovered:
        await to_thread_to_end(staging.remove_leftovers)


async def rendered_before(prepared: PreparedJob, store: JobStore) -> RenderedViews:
    """The views that an earlier server rendered of the same; every other file is removed from the staging folder.

    Args:
        prepared: whose views; its staging folder is open.
        store: says which views were rendered; each file is held against its SHA-256.
    """
    staging = prepared.staging
    rendered = RenderedViews()
    for view, content in (await store.views(prepared.job.job_id, prepared.key)).items():
        one = RenderedViews({view: content["entry"]})
        if await to_thread_to_end(staging.intact, one.hashes()):
            rendered.add([content["entry"]])
            rendered.versions.update(content["versions"])
    await to_thread_to_end(staging.keep_only, set(rendered.hashes()))
    return rendered
