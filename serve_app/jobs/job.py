"""A live render job: what was asked, and how far it is."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from serve_app.jobs.disk_need import DiskNeed
from serve_app.jobs.progress import JobProgress
from serve_app.jobs.request import RenderRequest

_READ_BY_SAM6D = (".ply", ".obj", ".stl")
"""Formats that say no unit, and that trimesh reads without further packages."""


def is_in_mm(cad_path: Path, unit: str) -> bool:
    """Whether SAM-6D's other servers can be given a CAD itself: trimesh reads its format, and it is in mm.

    Args:
        cad_path: of the CAD.
        unit: what the request says.
    """
    return cad_path.suffix.lower() in _READ_BY_SAM6D and unit in ("auto", "mm")


def new_job_id() -> str:
    """A job id that cannot be guessed and sorts by nothing: a UUID with hyphens, as the older server's."""
    return str(uuid.uuid4())


@dataclass(frozen=True)
class JobSpec:
    """What was asked, resolved once when the job was accepted; it never changes.

    Attributes:
        job_id: the server's, or one of the client's own.
        request: what the client asked for, paths as the client wrote them.
        cad_path: the CAD, links resolved.
        output_dir: the output folder, links resolved.
        log_path: the job's own log file.
        poses_path: the file of ``camera_poses_path``, links resolved, or None.
        group: jobs of one batch request share a group; groups share the renderers evenly. A job that comes alone is its own group.
        large: whether its CAD may take long to read.
        disk_need: room that it will take on its disk.
        request_hash: of the request, to tell a repetition from another request.
        created_at: when it was accepted, in Unix seconds.
        request_id: of the HTTP request that made it, for the logs; empty where an earlier server accepted it.
        folder: that is published, below ``output_dir``; empty for that itself, and None for what ``templates_subfolder`` says.
        results_ttl_sec: seconds after its end for which the server keeps its files, where they are the server's to keep.
    """

    job_id: str
    request: RenderRequest
    cad_path: Path
    output_dir: Path
    log_path: Path
    poses_path: Path | None = None
    group: str = ""
    large: bool = False
    disk_need: DiskNeed | None = None
    request_hash: str = ""
    created_at: float = field(default_factory=time.time)
    request_id: str = ""
    folder: str | None = None
    results_ttl_sec: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "group", self.group or self.job_id)

    @cached_property
    def templates_dir(self) -> Path:
        """The folder that the files go to, links resolved."""
        if self.folder is not None:
            return self.output_dir / self.folder
        return self.output_dir / "templates" if self.request.templates_subfolder else self.output_dir

    @property
    def cad_text(self) -> str:
        """The CAD as clients are told of it: the path that the request names, or ``upload:<id>/<name>``."""
        return self.request.cad_text

    @property
    def output_text(self) -> str:
        """The output folder as clients are told of it: the path that the request names, or ``results:<job id>``."""
        return self.request.output_dir or f"results:{self.job_id}"

    @property
    def wants_mesh(self) -> bool:
        """Whether the mesh is written beside the templates."""
        return "mesh" in (self.request.outputs or ())

    @property
    def interactive(self) -> bool:
        """Whether it goes before jobs that are not."""
        return self.request.priority != "batch"

    @property
    def options(self) -> dict[str, Any]:
        """The options that it is rendered with: the request without its paths and URL, and without a resolution that is not used."""
        camera = self.request.camera
        unused = {"resolution"} if camera is not None and camera.size is not None else set()
        if self.request.upload_id is None:
            unused |= {"upload_id", "cad"}
        return self.request.model_dump(exclude={"cad_path", "output_dir", "callback_url"} | unused)


class Job:
    """A job that has not ended, or has just.

    Args:
        spec: what was asked.
        recovered: whether an earlier server accepted it, and may have left views.
        started_at: when an earlier server began it, in Unix seconds.
        ran_before_sec: seconds that it ran under earlier servers.
    """

    def __init__(self, spec: JobSpec, *, recovered: bool = False, started_at: float | None = None, ran_before_sec: float = 0.0) -> None:
        self.spec, self.recovered = spec, recovered
        self.progress = JobProgress(spec.job_id, started_at=started_at, ran_before_sec=ran_before_sec)

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.spec.job_id

    @property
    def bytes_to_come(self) -> int:
        """Bytes by which its disk will be fuller when it has ended."""
        need, progress = self.spec.disk_need, self.progress
        if need is None or need.replaces or progress.published or progress.ended:
            return 0
        if not progress.total_poses:
            return need.bytes
        return need.bytes * (progress.total_poses - len(progress.view_seconds)) // progress.total_poses
