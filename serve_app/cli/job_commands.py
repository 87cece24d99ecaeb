"""``render-server jobs``, ``status``, ``logs`` and ``cancel``: the jobs of a running server."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from typing import Any

from render_server_client import Job, NoServerError, RefusedError
from render_server_client.wire import PATIENCE_SEC
from serve_app.cli.client import Client
from serve_app.cli.exit_codes import FAILED
from serve_app.cli.messages import error, info
from serve_app.jobs.states import JOB_STATES

_LOOK_SEC = 0.5


def add_jobs_flags(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobs``."""
    parser.add_argument("job_id", nargs="?")
    parser.add_argument("--log", action="store_true", help="show the job's log")
    parser.add_argument("--status", choices=JOB_STATES, metavar="STATE", help=f"only jobs in this state: {', '.join(JOB_STATES)}")
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="print the server's own answer")


def jobs(arguments: argparse.Namespace) -> None:
    """List jobs, or show one."""
    client = Client(arguments.url)
    if arguments.job_id:
        print(client.log(arguments.job_id) if arguments.log else json.dumps(dict(client.job(arguments.job_id).record), indent=1))
        return
    listing = client.get("/jobs", status=arguments.status, limit=arguments.limit)
    if arguments.json:
        print(json.dumps(listing, indent=1))
        return
    for record in listing["jobs"]:
        print(line_of(record))
    info(f"{len(listing['jobs'])} of {listing['total']} jobs")


def line_of(record: Mapping[str, Any]) -> str:
    """A job on one line."""
    views = f"{record['rendered_count']}/{record['total_poses']}"
    return f"{record['job_id']}  {record['status']:<9}  {views:>7}  {record['created']}  {record['cad_path']}"


def status(arguments: argparse.Namespace) -> None:
    """How the server is, or how some of its jobs are."""
    client = Client(arguments.url)
    if arguments.job_ids:
        records = [client.job(job_id).record for job_id in arguments.job_ids]
        print(json.dumps([dict(record) for record in records], indent=1) if arguments.json else "\n".join(map(_job_text, records)))
        return
    told = client.status()
    print(json.dumps(told, indent=1) if arguments.json else server_text(client.url, told))


def server_text(url: str, told: Mapping[str, Any]) -> str:
    """A server in some lines, from its ``GET /api/v1/status``."""
    machine = told["machine"]
    gib = 1024**3
    lines = [
        f"{url}: version {told['version']}, up for {told['uptime']:.0f} s" + (", about to stop" if told["draining"] else ""),
        f"jobs: {told['jobs_running']} running, {told['jobs_queued']} queued",
        *(
            f"renderer {renderer['id']}: {renderer['state']}"
            + (f", {renderer['device']}" if renderer["device"] else "")
            + (f", {renderer['error']['detail']}" if renderer["error"] else "")
            for renderer in told["renderers"]
        ),
        f"memory: {machine['memory_available_bytes'] / gib:.1f} of {machine['memory_total_bytes'] / gib:.1f} GiB are free",
        *(f"disk of {name}: {free / gib:.1f} GiB are free" for name, free in machine["disk_free_bytes"].items()),
    ]
    return "\n".join(lines if told["renderers"] else [*lines[:2], "no renderer", *lines[2:]])


def _job_text(record: Mapping[str, Any]) -> str:
    lines = [line_of(record)]
    if record.get("waiting_for"):
        lines.append(f"  waits for {record['waiting_for']}")
    lines += [f"  warning: {warning}" for warning in record.get("warnings", ())]
    lines += [f"  error: {record['error_message']}"] if record.get("error_message") else []
    return "\n".join(lines)


def logs(arguments: argparse.Namespace) -> None:
    """Show a job's log; with ``-f`` until the job has ended."""
    client = Client(arguments.url, patience_sec=PATIENCE_SEC)
    shown = 0
    while True:
        ended = not arguments.follow or client.job(arguments.job_id).ended  # Asked first: what is logged at the end is read after it.
        text = client.log(arguments.job_id)
        shown = 0 if len(text) < shown else shown
        sys.stdout.write(text[shown:])
        sys.stdout.flush()
        shown = len(text)
        if ended:
            return
        time.sleep(_LOOK_SEC)


def cancel(arguments: argparse.Namespace) -> None:
    """Cancel jobs; exit code 1 where one is not known. A job that has ended stays as it is."""
    client = Client(arguments.url)
    failed = False
    for job_id in arguments.job_ids:
        try:
            job: Job = client.cancel(job_id)
        except NoServerError:
            raise
        except RefusedError as refusal:
            if refusal.code == "unauthorized":
                raise
            error(f"{job_id}: {refusal}")
            failed = True
        else:
            info(f"{job_id}: {job.status}")
    if failed:
        sys.exit(FAILED)
