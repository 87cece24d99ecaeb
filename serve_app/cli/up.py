"""``render-server up``: start a server here, with the address from the environment or the flags."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from serve_app.base.api_key import UnusableKeyError, key_of
from serve_app.base.deployed import settings_of_environment
from serve_app.base.logs import configure_console, server_event
from serve_app.base.settings import Settings
from serve_app.cli.checks import check_data_folder, check_port, check_ray, check_system_libraries, free_port, port_is_free
from serve_app.cli.client import Client
from serve_app.cli.messages import CommandError, success
from serve_app.cli.serve_config import Given, data_folders
from serve_app.cli.server_process import ServerProcess, stop_in_order
from serve_app.service.drain import request_drain

_ANSWER_TIME_LIMIT_SEC = 10.0
"""Beyond the grace time, for files to be written and states to be stored."""


def up(arguments: argparse.Namespace) -> None:
    """Run a server until it ends, or until this process is told to stop."""
    settings = Settings()
    configure_console(settings.log_level, settings.log_format, stream=sys.stdout)
    try:
        _run(arguments, settings)
    except (CommandError, UnusableKeyError) as failure:
        if settings.log_format == "text":
            raise
        server_event("error", str(failure))
        sys.exit(1)


def _run(arguments: argparse.Namespace, settings: Settings) -> None:
    host, port = arguments.host or settings.server_host, arguments.port or settings.server_port
    given = Given(settings_of_environment(), with_key=key_of(settings) is not None)
    folders = data_folders(Path(arguments.config), settings.data_dir)
    check_system_libraries()
    if arguments.address is None:
        check_port(host, port)
        for folder in folders:
            check_data_folder(folder)
    else:
        check_ray(arguments.address)

    wanted = settings.metrics_port if arguments.metrics_port is None else arguments.metrics_port
    metrics = 0 if arguments.address else metrics_port(wanted, port)

    stop_in_order()
    with ServerProcess(Path(arguments.config), host, port, address=arguments.address, given=given, metrics_port=metrics) as server:
        server_event("info", f"starting on {server.url}; Ctrl-C stops it")
        if metrics:
            server_event("info", f"metrics for Prometheus: port {metrics}, path /metrics")
        try:
            code = server.process.wait()
        except KeyboardInterrupt:
            left = _drained(Client(server.url), folders, settings.drain_grace_sec)
        else:
            if code == 1:  # It has said why.
                sys.exit(1)
            raise CommandError(f"the server ended with code {code}; see the lines above and {server.log}")
    jobs = "1 job goes" if left == 1 else f"{left} jobs go" if left else "no job goes" if left == 0 else "jobs that had not ended go"
    server_event("info", f"stopped; {jobs} on at the next start")


def _drained(client: Client, folders: list[Path], grace_sec: float) -> int | None:
    """Have a server that answers put its jobs aside; returns how many there are, or None where it does not say."""
    server_event("info", f"stopping: running views have {grace_sec:g} s to finish; Ctrl-C once more stops at once")
    if client.answers():
        with contextlib.suppress(KeyboardInterrupt):  # No job is lost then either.
            left = [request_drain(folder, grace_sec + _ANSWER_TIME_LIMIT_SEC) for folder in folders]
            return None if None in left else sum(count for count in left if count is not None)
    return None


def metrics_port(wanted: int, taken: int) -> int:
    """The wanted port; a free one, and a warning, where something else has it. A server without the right metrics is better than none.

    Args:
        wanted: 0 leaves it to Ray.
        taken: by the server itself.

    Raises:
        CommandError: it is no port.
    """
    if not 0 <= wanted <= 65535:
        raise CommandError(f"--metrics-port {wanted} is no port; give one from 1 to 65535, or 0 for any")
    if not wanted or (wanted != taken and port_is_free("0.0.0.0", wanted)):
        return wanted
    other = free_port()
    server_event("warning", f"port {wanted} for metrics is taken; they are on port {other} instead; choose one with RENDER_METRICS_PORT")
    return other


def drain(arguments: argparse.Namespace) -> None:
    """Have the server that uses this machine's ``RENDER_DATA_DIR`` finish its running views and put its jobs aside."""
    settings = Settings()
    left = request_drain(settings.data_dir, settings.drain_grace_sec + _ANSWER_TIME_LIMIT_SEC)
    if left is None:
        raise CommandError(f"no server that uses {settings.data_dir} has drained; set RENDER_DATA_DIR as for the server")
    success(f"drained; jobs that go on when the server starts again: {left}")
