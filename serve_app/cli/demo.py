"""``render-server demo``: a server, one CAD over HTTP, its templates, and the server stopped again."""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from serve_app.base.api_key import key_of
from serve_app.base.bundled import example_path
from serve_app.base.settings import Settings
from serve_app.cli.checks import check_system_libraries, free_port, port_is_free
from serve_app.cli.client import Client
from serve_app.cli.contact_sheet import write_contact_sheet
from serve_app.cli.job_report import report
from serve_app.cli.messages import CommandError, info, success
from serve_app.cli.server_process import ServerProcess, stop_in_order

_HOST = "127.0.0.1"
_START_TIME_LIMIT_SEC = 300.0


def demo(arguments: argparse.Namespace) -> None:
    """Run the demonstration; the last line printed is the folder of the templates."""
    check_system_libraries()
    stop_in_order()
    settings = Settings()
    key_of(settings)  # One that is not usable is said before a server starts.
    port = settings.server_port
    if not port_is_free(_HOST, port):
        info(f"port {port} is taken; using a free one")
        port = free_port()
    log = Path("logs/demo-server.log").absolute()
    log.parent.mkdir(exist_ok=True)
    own_jobs = {"RENDER_DATA_DIR": str(Path("data/demo").absolute())}  # A server that runs here already keeps its own.
    info(f"starting a server on http://{_HOST}:{port} (its output: {log})")
    with log.open("wb") as output, ServerProcess(Path(arguments.config), _HOST, port, output, environment=own_jobs) as server:
        client = Client(server.url)
        began = time.monotonic()
        wait_for_renderer(server, client, log)
        success(f"ready after {time.monotonic() - began:.1f} s")
        job = _rendered(client, example_path(Path(arguments.cad)), Path(arguments.output).absolute())
        report(job)
        folder = Path(job["templates_dir"])
        sheet = folder.parent / "contact_sheet.png"
        write_contact_sheet(folder, job["total_poses"], sheet)
        success(f"contact sheet: {sheet}")
        info("stopping the server")
    print(f"templates: {folder}", flush=True)


def wait_for_renderer(server: ServerProcess, client: Client, log: Path, time_limit_sec: float = _START_TIME_LIMIT_SEC) -> None:
    """Wait until a Blender has rendered its first pixel; say why when the server ends or does not get there."""
    until = time.monotonic() + time_limit_sec
    while True:
        if server.ended:
            raise CommandError(f"the server ended while it started; {log} says why")
        if client.answers():
            status = client.get("/api/v1/status")
            failures = [renderer["error"]["detail"] for renderer in status["renderers"] if renderer["error"]]
            if failures:
                raise CommandError(failures[0])
            if client.ready():
                return
        if time.monotonic() > until:
            raise CommandError(f"the server was not ready within {time_limit_sec:g} s; {log} says what it was doing")
        time.sleep(0.3)


def _rendered(client: Client, cad: Path, output: Path) -> dict[str, Any]:
    """Send the request that waits, and show the job's progress meanwhile."""
    before = client.get("/jobs", limit=1)["total"]
    body = {"cad_path": str(cad), "output_dir": str(output)}
    info(f"POST /render/templates?wait=true for {cad}")
    with ThreadPoolExecutor(max_workers=1) as sender:
        waiting = sender.submit(Client(client.url).post_waiting, "/render/templates", body)
        while not waiting.done():
            listing = client.get("/jobs", limit=1)
            if listing["total"] > before:
                client.follow(listing["jobs"][0]["job_id"], lambda done, total: info(f"{done}/{total} views"))
                break
            time.sleep(0.1)
        job: dict[str, Any] = waiting.result()
    return job
