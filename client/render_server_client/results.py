"""Where a job's files are: on a disk that this machine shares with the server, or behind its HTTP."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from render_server_client.errors import FilesError, RefusedError, RenderServerError
from render_server_client.models import Job
from render_server_client.templates import Templates
from render_server_client.view_files import FolderSource, ZipSource, manifest
from render_server_client.wire import JOBS


def download_path(job: Job) -> str:
    """Of a job's zip."""
    return f"{JOBS}/{job.id}/templates.zip"


def is_here(job: Job) -> bool:
    """Whether this machine sees the very files of a job: the manifest in its folder names it."""
    if not job.templates_dir:
        return False
    try:
        return bool(manifest(FolderSource(Path(job.templates_dir))).get("job_id") == job.id)
    except (FilesError, OSError):
        return False


def local_templates(job: Job, views: Sequence[int] | None) -> Templates | None:
    """A job's templates from the shared disk, or None where there is none."""
    return Templates.read(job.templates_dir, views) if is_here(job) else None


def zipped_templates(file: IO[bytes], views: Sequence[int] | None) -> Templates:
    """Templates from a job's zip.

    Raises:
        FilesError: it is damaged, or of another layout.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            return Templates.from_source(ZipSource(archive), views)
    except zipfile.BadZipFile as error:
        raise FilesError(f"the download is damaged ({error}); repeat it") from error


def no_download(failure: Exception, job: Job) -> None:
    """Say so where a server is older than downloads.

    Raises:
        RenderServerError: it is.
    """
    if isinstance(failure, RefusedError) and failure.no_such_route:
        raise RenderServerError(f"this server is too old to send files; they lie on its disk, in {job.templates_dir}") from failure
