"""What a person is told of a job that has ended."""

from __future__ import annotations

from typing import Any

from serve_app.cli.messages import CommandError, info, success


def report(job: dict[str, Any]) -> None:
    """Say how a job ended; a failed one is an error."""
    for warning in job["warnings"]:
        info(f"warning: {warning}")
    if job["status"] != "succeeded":
        raise CommandError(f"{failure_text(job)} (log: {job['log_path']})")
    success(f"{job['templates_generated']} templates in {job['processing_time']:.1f} s: {job['templates_dir']}")


def failure_text(job: dict[str, Any]) -> str:
    """Why a job has no templates; one that only the wait ended for has no error."""
    text: str = job.get("error_message") or f"the job goes on when the server starts again: render-server jobs {job['job_id']}"
    return text
