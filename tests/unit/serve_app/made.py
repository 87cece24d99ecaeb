"""Jobs for tests, made without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from serve_app.jobs.disk_need import DiskNeed
from serve_app.jobs.job import Job, JobSpec, new_job_id
from serve_app.jobs.request import RenderRequest


def make_spec(
    output: str = "/out/a",
    cad: str = "/in/a.ply",
    *,
    job_id: str | None = None,
    group: str = "",
    request_hash: str = "",
    log_path: Path = Path("/logs/a.log"),
    poses_path: Path | None = None,
    disk_need: DiskNeed | None = None,
    **options: Any,
) -> JobSpec:
    """What was asked: the paths are the request's own, and need not be there."""
    request = RenderRequest(cad_path=cad, output_dir=output, **options)
    return JobSpec(
        job_id or new_job_id(),
        request,
        Path(cad),
        Path(output),
        log_path,
        poses_path,
        group=group,
        disk_need=disk_need,
        request_hash=request_hash,
    )


def make_job(output: str = "/out/a", cad: str = "/in/a.ply", **more: Any) -> Job:
    """A job that has just arrived."""
    return Job(make_spec(output, cad, **more))


def accepted_job(output: str = "/out/a", cad: str = "/in/a.ply", **more: Any) -> Job:
    """A job that is queued."""
    job = make_job(output, cad, **more)
    job.progress.accept()
    return job


def running_job(output: str = "/out/a", cad: str = "/in/a.ply", **more: Any) -> Job:
    """A job that runs."""
    job = accepted_job(output, cad, **more)
    job.progress.start()
    return job
