"""Runs ``serve run`` with an adjusted config, on a Ray of its own, and ends it cleanly."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO

import psutil
import yaml

from serve_app.base.ray_token import ensure_token, keep_token_private, token_file
from serve_app.cli.messages import CommandError
from serve_app.cli.serve_config import Given, adjusted_config

STOP_SECONDS = 30.0

_NOTHING = Given()

_RAY_SETTINGS = {
    # Ray's processes look at the cluster ten times a second by default; the three together are a quarter of what an idle
    # server uses. The price is that a renderer is added up to half a second later.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
    "RAY_raylet_report_resources_period_milliseconds": "1000",
    "RAY_gcs_pull_resource_loads_period_milliseconds": "5000",
    # Ray gives all its workers niceness 15, so a Blender could be no nicer than the ingress by much: it is by 10 so (`BlenderActor`).
    "RAY_worker_niceness": "0",
    # A request costs half the CPU when Serve's proxy hands it to the ingress over gRPC (which wants Ray's token, too) instead of as calls
    # of actors in both directions, and when a replica runs its own code on the same thread as Serve's: ours is asyncio throughout and
    # never holds the loop up.
    "RAY_SERVE_PROXY_USE_GRPC": "1",
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": str(
        2**31 - 1
    ),  # A long list of jobs, or a log, has more than the 4 MiB of gRPC's default.
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "0",
    # Serve's proxies take an X-Request-Id as it comes; this looks at it first.
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "serve_app.http.request_id:proxy_middlewares",
}


def stop_in_order() -> None:
    """Have SIGINT and SIGTERM end this command through its ``finally`` blocks, which stop the server."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)  # Also when a shell started us in the background, with SIGINT ignored.


def _prepare_token(environment: dict[str, str]) -> None:
    path = token_file(environment)
    try:
        ensure_token(path)
    except OSError as error:
        reason = f"Ray's token cannot be kept in {path} ({error.strerror})"
        raise CommandError(f"{reason}; set RAY_AUTH_TOKEN_PATH to a file that can be written") from error
    keep_token_private(path)


class ServerProcess:
    """A server as a child process; a context manager that stops it.

    Args:
        config: Serve config to start from.
        host: address to listen on.
        port: port to listen on.
        output: where the server's console output goes; None for this process's own.
        address: of a running Ray cluster to deploy to; None starts a Ray of its own.
        environment: added to this process's environment.
        prefix: a command that runs the server, like ``unshare --mount``.
        given: what goes with the application.
        metrics_port: where the Ray that is started shows its metrics; with 0 it chooses a port. A running cluster has its own.
    """

    def __init__(
        self,
        config: Path,
        host: str,
        port: int,
        output: IO[bytes] | None = None,
        address: str | None = None,
        environment: dict[str, str] | None = None,
        prefix: Sequence[str] = (),
        given: Given = _NOTHING,
        metrics_port: int = 0,
    ) -> None:
        self.url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
        # `local` starts a new Ray: without it, Ray joins whatever cluster it finds on the machine.
        settings = {**os.environ, "RAY_ADDRESS": address or "local", "RAY_USAGE_STATS_ENABLED": "0"}
        if address is None:
            settings["RAY_AUTH_MODE"] = "token"
        settings |= environment or {}
        if address is None:
            _prepare_token(settings)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="render-server-", delete=False) as file:
            yaml.safe_dump(adjusted_config(config, host, port, given, own_ray=address is None), file)
            self._config = Path(file.name)
        own_ray = ["serve_app.cli.serve_run", str(self._config), str(metrics_port)]
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-m", *(own_ray if address is None else ["ray.serve.scripts", "run", str(self._config)])],
            env={**_RAY_SETTINGS, **settings},
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,  # A ^C at the terminal reaches us alone, and we stop the server in order.
        )

    @property
    def ended(self) -> bool:
        """Whether the server is gone."""
        return self.process.poll() is not None

    def session(self) -> list[psutil.Process]:
        """Every process of the session that the server began, whoever its parent is by now."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(OSError, psutil.Error):
                if os.getsid(process.pid) == self.process.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def stop(self) -> None:
        """End the server and every process that it started."""
        if threading.current_thread() is threading.main_thread():
            # The server is a session of its own: a second ^C here would leave it running.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
        if not self.ended:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # Looked up now: a stop while Ray starts leaves processes that were not there before and have no parent any more.
        _, alive = psutil.wait_procs(self.session(), timeout=STOP_SECONDS / 2)
        for child in alive:
            child.kill()
        psutil.wait_procs(alive, timeout=5)
        self._config.unlink(missing_ok=True)

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
