"""Finds the manifest of a job, wherever its layout has it."""

from __future__ import annotations

from pathlib import Path

from serve_app.base.directory import Directory
from serve_app.base.errors import ServiceError
from serve_app.base.output_roots import OutputRoots
from serve_app.jobs.record import JobRecord
from serve_app.templates.kept_manifests import KeptManifests
from serve_app.templates.layouts.layout import MANIFEST

_MAX_BYTES = 64 * 1024**2
"""More than a manifest of ours has."""

_HEAD_BYTES = 256


def manifest_of(record: JobRecord, roots: OutputRoots, kept: KeptManifests) -> bytes:
    """JSON text of a job's manifest.

    Args:
        record: of the job.
        roots: the way to its folder.
        kept: manifests that the server keeps.

    Raises:
        ServiceError: ``not_found``; the job has not succeeded, or its folder was replaced or changed since.
    """
    if record.status != "succeeded":
        raise ServiceError("not_found", f"job {record.job_id!r} is {record.status}: a manifest comes with its files", "job_id")
    manifest = kept.read(record.job_id) or _published(record, roots)
    if manifest is None or not is_manifest_of(record.job_id, manifest):
        raise ServiceError("not_found", f"the files of job {record.job_id!r} are not there any more, or are another job's", "job_id")
    return manifest


def _published(record: JobRecord, roots: OutputRoots) -> bytes | None:
    target = Path(record.templates_dir)
    try:
        with roots.opened(target, record.output_dir) as parent:
            if parent is None:
                return None
            with parent.folder(target.name) as folder:
                return read_manifest(folder)
    except (OSError, ServiceError):
        return None


def read_manifest(folder: Directory) -> bytes:
    """JSON text of the manifest in a folder; raises ``OSError``."""
    with folder.open_file(MANIFEST) as file:
        return file.read(_MAX_BYTES)


def is_manifest_of(job_id: str, manifest: bytes) -> bool:
    """Whether a manifest is a certain job's: its first lines say so."""
    return f'"job_id": "{job_id}"'.encode() in manifest[:_HEAD_BYTES]
