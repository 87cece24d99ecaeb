"""``render-server up``: start a server here, with the address from the environment or the flags."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from serve_app.base.api_key import NO_KEY, is_loopback, key_of
from serve_app.base.deployed import settings_of_environment
from serve_app.base.settings import Settings
from serve_app.cli.checks import check_port, check_system_libraries, free_port, port_is_free
from serve_app.cli.client import Client
from serve_app.cli.messages import CommandError, info, success, warning
from serve_app.cli.serve_config import Given
from serve_app.cli.server_process import ServerProcess, stop_in_order
from serve_app.service.drain import request_drain

_ANSWER_TIME_LIMIT_SEC = 10.0
"""Beyond the grace time, for files to be written and states to be stored."""


def up(arguments: argparse.Namespace) -> None:
    """Run a server until it ends, or until this process is told to stop."""
    settings = Settings()
    host, port = arguments.host or settings.server_host, arguments.port or settings.server_port
    with_key = key_of(settings) is not None
    if not with_key and not is_loopback(host):
        warning(NO_KEY)
    check_system_libraries()
    if arguments.address is None:
        check_port(host, port)

    wanted = settings.metrics_port if arguments.metrics_port is None else arguments.metrics_port
    metrics = 0 if arguments.address else metrics_port(wanted, port)

    stop_in_order()
    given = Given(settings_of_environment(), with_key)
    with ServerProcess(Path(arguments.config), host, port, address=arguments.address, given=given, metrics_port=metrics) as server:
        info(f"starting on {server.url}; {server.url}/docs describes the requests")
        if metrics:
            info(f"metrics for Prometheus: port {metrics}, path /metrics")
        try:
            code = server.process.wait()
        except KeyboardInterrupt:
            info("stopping: running views finish, the other jobs go on at the next start")
            if Client(server.url).answers():
                with contextlib.suppress(KeyboardInterrupt):  # Told a second time: stop at once. No job is lost then either.
                    request_drain(settings.data_dir, settings.drain_grace_sec + _ANSWER_TIME_LIMIT_SEC)
            return
    raise CommandError(f"the server ended with code {code}; the lines above say why")


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
    warning(f"port {wanted} for metrics is taken; they are on port {other} instead; choose one with RENDER_METRICS_PORT")
    return other


def drain(arguments: argparse.Namespace) -> None:
    """Have the server that uses this machine's ``RENDER_DATA_DIR`` finish its running views and put its jobs aside."""
    settings = Settings()
    if not request_drain(settings.data_dir, settings.drain_grace_sec + _ANSWER_TIME_LIMIT_SEC):
        raise CommandError(f"no server that uses {settings.data_dir} has drained; set RENDER_DATA_DIR as for the server")
    success("drained; the jobs that are left go on when the server starts again")
