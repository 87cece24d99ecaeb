"""The folder that a job has published, as long as it is still that job's."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from render_actor.contract.view_files import FileContent
from serve_app.base.directory import Directory
from serve_app.base.errors import ServiceError
from serve_app.base.output_roots import OutputRoots
from serve_app.jobs.record import JobRecord
from serve_app.service.manifests import is_manifest_of, read_manifest
from serve_app.templates.archive import ArchivedFile, StoredArchive
from serve_app.templates.kept_manifests import KeptManifests
from serve_app.templates.layouts.registry import DEFAULT, LAYOUTS, published_folder
from serve_app.templates.layouts.sam6d import MODEL
from serve_app.templates.replaceable import sorted_out


def gone(job_id: str) -> ServiceError:
    """What a client is told when a job's folder is not its own any more."""
    return ServiceError(
        "results_gone", f"the files of job {job_id!r} are not there any more, or are another job's; send the request again", "job_id"
    )


class PublishedFolder:
    """The folder and the one that it lies in, held open; and the manifest, which says whose it is.

    Args:
        record: of the job.
        parent: the folder above; closed with this.
        folder: closed with this.
        manifest: JSON text.
    """

    def __init__(self, record: JobRecord, parent: Directory, folder: Directory, manifest: bytes) -> None:
        self._record, self._parent = record, parent
        self.folder, self.manifest = folder, manifest

    @classmethod
    def open(cls, record: JobRecord, roots: OutputRoots, kept: KeptManifests) -> PublishedFolder:
        """Open a job's folder.

        Args:
            record: of a job that has succeeded.
            roots: the way to it.
            kept: manifests that the server keeps.

        Raises:
            ServiceError: ``results_gone``.
        """
        target = Path(record.templates_dir)
        try:
            with roots.opened(target, record.output_dir) as above:
                if above is None:
                    raise gone(record.job_id)
                parent = above.again()
            try:
                folder = parent.folder(target.name)
                try:
                    manifest = kept.read(record.job_id) or read_manifest(folder)
                    if not is_manifest_of(record.job_id, manifest):
                        raise gone(record.job_id)
                    return cls(record, parent, folder, manifest)
                except BaseException:
                    folder.close()
                    raise
            except BaseException:
                parent.close()
                raise
        except (OSError, ServiceError) as error:  # It may lie where the operator allows no results any more.
            raise gone(record.job_id) from error

    def close(self) -> None:
        """Hold nothing open any more."""
        self.folder.close()
        self._parent.close()

    def archive(self, contents: Mapping[str, FileContent], sums: Callable[[str], dict[int, int]]) -> tuple[StoredArchive, str]:
        """All files of the job as a zip file, laid out as below its ``output_dir``, and what tells its content from another.

        Args:
            contents: what the files of the views hold, by path; each must be there.
            sums: gives what is known of the CRC-32 of the files of an archive, by what tells it from another.

        Raises:
            ServiceError: ``results_gone``.
        """
        try:
            files = list(self._files(contents))
            told = hashlib.sha256(self.manifest)
            for file, moment in files:
                told.update(f"{file.name}\0{file.size}\0{moment}\0".encode())
            identity = told.hexdigest()[:32]
            return StoredArchive([file for file, _ in files], self._record.ended_at or 0, sums(identity)), identity
        except (OSError, ValueError) as error:
            raise gone(self._record.job_id) from error

    def _files(self, contents: Mapping[str, FileContent]) -> Iterator[tuple[ArchivedFile, int]]:
        """Each file, and when it was written."""
        options = self._record.options
        layout = LAYOUTS[options.get("layout", DEFAULT.name)]
        object_id = options.get("object_id") or 0
        place = published_folder(layout.name, object_id, templates_subfolder=options.get("templates_subfolder", True))
        # Of the others, only what is a file of the server's making: somebody may keep something else here.
        for path in sorted({*sorted_out(self.folder, known=contents).templates, *contents}):
            yield _archived(self.folder, path, f"{place}/{path}" if place else path, contents.get(path))
        beside = layout.paths_beside(object_id)
        if place and layout is DEFAULT and "mesh" in (options.get("outputs") or ()):
            beside += (MODEL,)
        for path in beside:
            yield _archived(self._parent, path, path)


def _archived(folder: Directory, path: str, name: str, content: FileContent | None = None) -> tuple[ArchivedFile, int]:
    status = folder.status(path)
    if not stat.S_ISREG(status.st_mode) or (content is not None and content.size != status.st_size):
        raise ValueError(f"{path} is not what was rendered")

    def opened() -> BinaryIO:
        return folder.open_file(path)

    return ArchivedFile(name, status.st_size, opened, content.sha256 if content else None), status.st_mtime_ns
