"""``render-server smoke``: is a running server able to render? Status, one render, its files."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from render_actor.contract.view_files import file_names
from render_server_client import RenderServerError
from serve_app.base.bundled import example_path
from serve_app.cli.client import Client
from serve_app.cli.job_report import failure_text
from serve_app.cli.messages import CommandError, info, success


def smoke(arguments: argparse.Namespace) -> None:
    """Check a server from the outside; any failure is an error with its cause, and exit code 1."""
    try:
        _checked(arguments)
    except RenderServerError as failure:
        raise CommandError(str(failure)) from failure


def _checked(arguments: argparse.Namespace) -> None:
    client = Client(arguments.url)
    info(f"server: {client.url}")
    client.get("/health")
    success("health: the server answers")
    wait_until_ready(client, arguments.timeout)
    status = client.get("/api/v1/status")
    devices = ", ".join(sorted({str(renderer["device"]) for renderer in status["renderers"]}))
    kept = f"{len(status['renderers'])} renderer(s) on {devices}" if devices else "no renderer until a job comes"
    success(f"status: version {status['version']}, {kept}")

    cad, output = str(example_path(Path(arguments.cad))), str(Path(arguments.output).absolute())
    info(f"rendering {cad}")
    accepted = client.post("/render/templates", {"cad_path": cad, "output_dir": output, "resolution": arguments.resolution})
    job = client.follow(accepted["job_id"], lambda done, total: info(f"{done}/{total} views"))
    if job["status"] != "succeeded":
        raise CommandError(f"render: {failure_text(job)} (log: {job['log_path']})")
    success(f"render: {job['templates_generated']} templates in {job['processing_time']:.1f} s")
    check_files(Path(job["templates_dir"]), job["total_poses"])
    success(f"files: {job['total_poses']} x 3 and the manifest are in {job['templates_dir']}")


def wait_until_ready(client: Client, timeout: float) -> None:
    """Wait for the first renderer, where one is kept."""
    until = time.monotonic() + timeout
    while not client.ready():
        if time.monotonic() > until:
            raise CommandError(f"no renderer became ready within {timeout:g} s; the server's log says why")
        time.sleep(0.5)


def check_files(folder: Path, views: int) -> None:
    """Every file that the contract names is there and not empty."""
    if not folder.is_dir():
        raise CommandError(f"files: {folder} cannot be seen from here; run smoke on a machine that shares the server's disk")
    missing = [
        name for view in range(views) for name in file_names(view) if not (folder / name).is_file() or not (folder / name).stat().st_size
    ]
    if missing:
        raise CommandError(f"files: {len(missing)} are missing or empty, the first is {missing[0]}")
    listed = json.loads((folder / "manifest.json").read_text())["views"]
    if len(listed) != views:
        raise CommandError(f"files: the manifest lists {len(listed)} views, not {views}")
