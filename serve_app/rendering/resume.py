"""What an earlier server rendered or published of a job before it ended."""

from __future__ import annotations

import json

from serve_app.base.aio import to_thread_to_end
from serve_app.jobs.job import Job
from serve_app.jobs.store import JobStore
from serve_app.rendering.prepared import PreparedJob
from serve_app.templates.staging import MANIFEST, StagingFolder
from serve_app.templates.views import RenderedViews


def published_before(job: Job, staging: StagingFolder) -> RenderedViews | None:
    """What an earlier server published of this very job just before it ended; None when it did not.

    Every file is held against its SHA-256. When it was published, the staging folder is removed.

    Args:
        job: any.
        staging: of the job.
    """
    if not job.recovered:
        return None
    try:
        manifest = json.loads((job.spec.templates_dir / MANIFEST).read_bytes())
        if manifest["job_id"] != job.job_id:
            return None
        rendered = RenderedViews.from_json({"entries": manifest["views"], "versions": manifest["versions"]})
        whole = staging.whole_at_target(rendered.hashes())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not whole:
        return None
    staging.discard()  # It holds the folder that this one replaced, if any.
    return rendered


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
