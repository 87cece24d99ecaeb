"""``render-server render`` and ``jobs``: clients of a running server."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, get_args, get_origin

from serve_app.cli.client import Client
from serve_app.cli.messages import CommandError, info, success
from serve_app.jobs.request import RenderOptions


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"it must be JSON, such as '{{\"distance_mm\": 600}}': {error}") from error


_PARSERS: dict[str, Any] = {"level": int, "camera": _json}
"""Of the flags whose text is neither a plain number nor itself; ``camera`` takes JSON."""


def add_option_flags(parser: argparse.ArgumentParser, without: Collection[str] = ()) -> None:
    """A flag for each option of a render request but some, so that the two never drift apart."""
    for name, field in RenderOptions.model_fields.items():
        if name in without:
            continue
        flag = "--" + name.replace("_", "-")
        help_text = (field.description or "").replace("%", "%%")
        if isinstance(field.default, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=help_text)
        elif any(get_origin(kind) is list for kind in (field.annotation, *get_args(field.annotation))):
            parser.add_argument(flag, action="append", default=None, help=f"{help_text} Once for each.")
        else:
            kinds = {kind for kind in (field.annotation, *get_args(field.annotation)) if kind in (int, float)}
            parse = _PARSERS.get(name) or next(iter(kinds), str)
            parser.add_argument(flag, type=parse, default=None, help=help_text)


def chosen_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that were given."""
    values = {name: getattr(arguments, name, None) for name in RenderOptions.model_fields}
    return {name: value for name, value in values.items() if value is not None}


def render(arguments: argparse.Namespace) -> None:
    """Send one render request, show its progress, and say where the files are."""
    client = Client(arguments.url)
    body = {"cad_path": _absolute(arguments.cad_path), "output_dir": _absolute(arguments.output_dir), **chosen_options(arguments)}
    if "camera_poses_path" in body:
        body["camera_poses_path"] = _absolute(body["camera_poses_path"])
    accepted = client.post("/render/templates", body)
    info(f"job {accepted['job_id']}")
    job = client.follow(accepted["job_id"], lambda done, total: info(f"{done}/{total} views"))
    report(job)


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


def _absolute(path: str) -> str:
    """A path as seen from anywhere: the server may have been started in another folder."""
    return str(Path(path).expanduser().absolute())


def jobs(arguments: argparse.Namespace) -> None:
    """List jobs, or show one."""
    client = Client(arguments.url)
    if arguments.job_id:
        print(
            client.text(f"/jobs/{arguments.job_id}/log") if arguments.log else json.dumps(client.get(f"/jobs/{arguments.job_id}"), indent=1)
        )
        return
    listing = client.get("/jobs", status=arguments.status, limit=arguments.limit)
    for job in listing["jobs"]:
        views = f"{job['rendered_count']}/{job['total_poses']}"
        print(f"{job['job_id']}  {job['status']:<9}  {views:>7}  {job['created']}  {job['cad_path']}")
    info(f"{len(listing['jobs'])} of {listing['total']} jobs")
