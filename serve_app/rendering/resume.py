"""What an earlier server rendered or published of a job before it ended."""

from __future__ import annotations

import json

from render_actor.contract.view_files import file_names
from serve_app.base.aio import to_thread_to_end
from serve_app.base.directory import Directory
from serve_app.base.output_roots import OutputRoots
from serve_app.jobs.store import JobStore
from serve_app.rendering.prepared import PreparedJob
from serve_app.templates.kept_manifests import KeptManifests
from serve_app.templates.layouts.layout import MANIFEST
from serve_app.templates.leftovers import remove_leftovers_of
from serve_app.templates.publishing import StagingMark
from serve_app.templates.staged_files import intact, placed
from serve_app.templates.views import RenderedViews

_MANIFEST_BYTES, _MANIFEST_BYTES_A_VIEW = 1 << 20, 4096
"""More than a manifest of ours has; a larger one is not parsed."""


def published_before(prepared: PreparedJob, roots: OutputRoots, kept: KeptManifests) -> RenderedViews | None:
    """What an earlier server published of this very job just before it ended; None when it did not.

    Every file is held against its SHA-256. When it was published, what is left of its staging folders is removed.

    Args:
        prepared: any job.
        roots: the way to its folder.
        kept: manifests that lie in no published folder.

    Raises:
        ServiceError: a request may not write there (any more).
    """
    job, views, places = prepared.job, len(prepared.scene.camera_poses), prepared.staging.places
    target = job.spec.templates_dir
    if not job.recovered:
        return None
    try:
        with roots.opened(target, job.spec.output_text) as parent:
            if parent is None:
                return None
            with parent.folder(target.name) as folder:
                manifest = json.loads(_manifest(folder, views) if prepared.layout.manifest_inside else kept.read(job.job_id) or b"")
                if manifest["job_id"] != job.job_id:
                    return None
                rendered = RenderedViews.from_placed(manifest["views"], manifest["versions"], places)
                files = rendered.files()
                if files.keys() != places.keys() or not intact(folder, placed(places, files)):
                    return None
                rendered.seconds(), rendered.qualities()  # Of each view the one is there, and the other is no nonsense.
            remove_leftovers_of(parent, job.job_id, target.name)  # One may hold the folder that this one replaced.
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):  # It is not one of ours.
        return None
    return rendered


def _manifest(folder: Directory, views: int) -> bytes:
    with folder.open_file(MANIFEST) as file:
        return file.read(_MANIFEST_BYTES + _MANIFEST_BYTES_A_VIEW * views)


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
        if view not in one.qualities():  # Of an older server: nobody knows whether it keeps what is promised.
            continue
        if one.files().keys() != set(file_names(view, prepared.wanted.kinds)):
            continue
        if await to_thread_to_end(staging.intact, one.files()):
            rendered.add([content["entry"]])
            rendered.versions.update(content["versions"])
    await to_thread_to_end(staging.keep_only, set(rendered.files()))
    return rendered
