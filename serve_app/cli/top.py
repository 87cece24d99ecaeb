"""``render-server top``: what a server does, live."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from render_server_client import NoServerError
from serve_app.cli.client import Client
from serve_app.cli.job_commands import line_of, server_text

_JOBS = 30
"""Running jobs that are shown."""


@dataclass
class Rates:
    """Views a second, from two looks at the same jobs.

    Attributes:
        seen: views of each job and when they were looked at, on the monotonic clock.
    """

    seen: dict[str, tuple[int, float]] = field(default_factory=dict)

    def of(self, jobs: Sequence[Mapping[str, Any]], now: float) -> dict[str, float]:
        """Of each job since the last look; 0 for one that was not there then."""
        rates = {}
        for job in jobs:
            before, moment = self.seen.get(job["job_id"], (job["rendered_count"], now))
            rates[job["job_id"]] = (job["rendered_count"] - before) / (now - moment) if now > moment else 0.0
        self.seen = {job["job_id"]: (job["rendered_count"], now) for job in jobs}
        return rates


def add_top_flags(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--interval", type=float, default=1.0, metavar="SECONDS", help="between two looks (default: %(default)g)")
    parser.add_argument("--once", action="store_true", help="print it once, as where the output is no terminal")


def top(arguments: argparse.Namespace) -> None:
    """Show the queue, the renderers and the rates until ^C."""
    client = Client(arguments.url)
    if arguments.once or not sys.stdout.isatty():
        running = client.get("/jobs", status="running", limit=_JOBS)["jobs"]
        print("\n".join([server_text(client.url, client.status()), *map(line_of, running)]))
        return
    rates, interval = Rates(), max(0.2, arguments.interval)
    shown: Any = _picture(client, rates)  # A server that is not there at all is an error.
    with Live(shown, screen=True, auto_refresh=False) as live:
        while True:
            live.update(shown, refresh=True)
            time.sleep(interval)
            try:
                shown = _picture(client, rates)
            except NoServerError as failure:  # It may come back.
                shown = Text(f"{failure}\nasking again every {interval:g} s; ^C ends this", style="red")


def _picture(client: Client, rates: Rates) -> Group:
    told = client.status()
    jobs = client.get("/jobs", status="running", limit=_JOBS)["jobs"]
    return Group(*picture(client.url, told, jobs, rates.of(jobs, time.monotonic())))


def picture(url: str, told: Mapping[str, Any], jobs: Sequence[Mapping[str, Any]], rates: Mapping[str, float]) -> list[Any]:
    """What is shown.

    Args:
        url: of the server.
        told: ``GET /api/v1/status``.
        jobs: that run.
        rates: views a second by job id.
    """
    busy = sum(renderer["state"] == "busy" for renderer in told["renderers"])
    head = (
        f"{url}  version {told['version']}  up {told['uptime'] / 3600:.1f} h{'  DRAINING' if told['draining'] else ''}\n"
        f"{told['jobs_running']} running, {told['jobs_queued']} queued   {busy} of {len(told['renderers'])} renderers busy   "
        f"{sum(rates.values()):.1f} views/s   CPU {told['machine']['cpu_percent']:.0f} %"
    )
    return [Text(head), _renderers(told["renderers"]), _jobs(jobs, rates)]


def _renderers(renderers: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("renderer", "state", "device", "memory", "restarts", "error", box=None, pad_edge=False, title_justify="left")
    for each in renderers:
        memory = f"{each['memory_bytes'] / 1024**2:.0f} MiB" if each["memory_bytes"] else ""
        said = each["error"]["detail"] if each["error"] else ""
        table.add_row(*map(Text, (each["id"][:12], each["state"], each["device"] or "", memory, str(each["restarts"]), said)))
    return table


def _jobs(jobs: Sequence[Mapping[str, Any]], rates: Mapping[str, float]) -> Table:
    table = Table("job", "views", "views/s", "seconds", "CAD", box=None, pad_edge=False)
    for job in jobs:
        views = f"{job['rendered_count']}/{job['total_poses'] or '?'}"
        waits = f"  (waits for {job['waiting_for']})" if job.get("waiting_for") else ""
        cells = (job["job_id"], views, f"{rates.get(job['job_id'], 0.0):.1f}", f"{job['elapsed_sec']:.0f}", f"{job['cad_path']}{waits}")
        table.add_row(*map(Text, cells))
    return table
