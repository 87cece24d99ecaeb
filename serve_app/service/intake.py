"""Turns a request into what is to be done, resolved and checked."""

from __future__ import annotations

import contextlib
import time

from serve_app.base.errors import ServiceError
from serve_app.base.file_digests import FileDigests
from serve_app.base.output_roots import OutputRoots
from serve_app.base.settings import Settings
from serve_app.cad.loader import LARGE_BYTES, size_of
from serve_app.jobs.job import JobSpec, new_job_id
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.request import RenderRequest
from serve_app.service.admission import Place, places_of
from serve_app.service.cad_files import CadFiles
from serve_app.service.kept_results import KeptResults
from serve_app.service.layout_request import completed
from serve_app.service.path_policy import PathPolicy
from serve_app.service.size_estimate import disk_need
from serve_app.templates.file_forms import MODEL_PLY
from serve_app.templates.layouts.registry import published_folder
from serve_app.templates.layouts.sam6d import MODEL
from serve_app.templates.replaceable import check_file_replaceable, check_replaceable
from serve_app.uploads.store import UploadStore


class Intake:
    """What every request passes before it is a job; all of it looks at disks, so it runs in threads.

    Args:
        settings: of the service.
        quarantine: CADs that are refused.
        digests: of CAD files.
        uploads: of clients.
        results: that the server keeps; None where their bound is not looked at.
    """

    def __init__(
        self, settings: Settings, quarantine: Quarantine, digests: FileDigests, uploads: UploadStore, results: KeptResults | None = None
    ) -> None:
        self._results = results
        self._settings, self._quarantine, self._digests = settings, quarantine, digests
        self._policy, self._roots = PathPolicy(settings), OutputRoots.of_server(settings)
        self._cads = CadFiles(self._policy, uploads)
        self._logs = settings.log_dir.resolve()

    def resolve(
        self,
        request: RenderRequest,
        *,
        group: str = "",
        job_id: str | None = None,
        request_hash: str = "",
        created_at: float | None = None,
        request_id: str = "",
    ) -> JobSpec:
        """What a request means on this machine, at this moment.

        Args:
            request: as the client sent it.
            group: of the batch that it comes with.
            job_id: an id that the job has already; None for a new one.
            request_hash: see ``JobSpec``.
            created_at: when an earlier server accepted it, in Unix seconds; None for now. Such a job's output folder is looked at when it
                publishes, as every job's is: at a start there may be thousands.
            request_id: see ``JobSpec``.

        Raises:
            ServiceError: a path is not usable, or the output folder of a new job holds something else than templates.
        """
        cad_path, cad = self._cads.path(request)
        job_id = job_id or new_job_id()
        output_dir = self._settings.results_dir / job_id if request.output_dir is None else self._policy.output(request.output_dir)
        request = completed(request.model_copy(update={"cad": cad}) if cad is not None else request, cad_path)
        poses = self._cads.poses(request)
        folder = published_folder(request.layout, request.object_id, templates_subfolder=request.templates_subfolder)
        if not folder and request.output_dir is not None and self._policy.is_output_root(output_dir):
            raise ServiceError(
                "output_not_replaceable",
                f"output_dir {request.output_dir!r} is itself one of RENDER_OUTPUT_ROOTS; name a folder below it, or leave "
                "templates_subfolder true",
                "output_dir",
            )
        templates_dir = output_dir / folder
        if request.output_dir is not None:
            self._roots.check_named(templates_dir, request.output_dir)
        spec = JobSpec(
            job_id=job_id,
            request=request,
            cad_path=cad_path,
            output_dir=output_dir,
            log_path=self._logs / f"{job_id}.log",
            poses_path=poses,
            group=group,
            large=size_of(cad_path) > LARGE_BYTES,
            disk_need=disk_need(request, cad_path, poses, templates_dir),
            request_hash=request_hash,
            created_at=time.time() if created_at is None else created_at,
            request_id=request_id,
            folder=folder,
            results_ttl_sec=self._settings.results_ttl_sec if request.output_dir is None else None,
        )
        if created_at is None:
            self._check_target(spec)
        return spec

    def _check_target(self, spec: JobSpec) -> None:
        """Refuse a folder of the server itself, and one that holds something else than templates, or a mesh that is not ours."""
        target, quoted = spec.templates_dir, spec.output_text
        try:
            with self._roots.opened(target, quoted) as parent:
                check_replaceable(parent, target.name, quoted)
                if parent is not None and spec.wants_mesh and spec.request.templates_subfolder:
                    check_file_replaceable(parent, MODEL, MODEL_PLY, f"{quoted.rstrip('/')}/{MODEL}")
        except OSError as error:  # Such as a name that is too long, once `templates` is added to it.
            raise ServiceError(
                "output_not_writable", f"output_dir {quoted!r} cannot be used: {error.strerror or error}", "output_dir"
            ) from error

    def check(self, spec: JobSpec) -> tuple[Place, ...]:
        """Refuse a job whose CAD is quarantined, and look at the room that there is for it.

        Returns:
            What ``check_room`` decides by.

        Raises:
            ServiceError: ``cad_quarantined``.
        """
        if not self._quarantine.empty:
            # At the door only where it takes no time to speak of; every CAD is looked at again when it has been read.
            with contextlib.suppress(OSError, ValueError):
                self._quarantine.check(self._digests.sha256(spec.cad_path, LARGE_BYTES))
        of_results = self._results.place(spec) if self._results is not None else None
        places = places_of(spec, self._settings.data_dir, self._settings.min_free_bytes)
        return places if of_results is None else (*places, of_results)
