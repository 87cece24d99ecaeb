"""The process that runs a server, as ``serve run`` does, but with a console that a person can read."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import ray
import yaml
from pydantic import ValidationError
from ray._common.utils import get_system_memory, import_attr
from ray._private.ray_constants import DEFAULT_OBJECT_STORE_MEMORY_PROPORTION, OBJECT_STORE_MINIMUM_MEMORY_BYTES
from ray._private.ray_logging import global_worker_stdstream_dispatcher as lines_of_workers
from ray.serve._private.api import call_user_app_builder_with_args_if_necessary, serve_start
from ray.serve._private.constants import SERVE_LOGGER_NAME, SERVE_NAMESPACE
from ray.serve.schema import ApplicationStatus, ServeDeploySchema

from serve_app.base.logs import configure_console, server_event
from serve_app.base.settings import Settings, wrong_setting
from serve_app.cli.console_sieve import ConsoleSieve

_HERE = "local"
"""``RAY_ADDRESS`` of a server with a Ray of its own."""

_USUAL_DASHBOARD = "127.0.0.1:8265"
_LOOK_SEC = 0.5
_HOLD_ERRORS_SEC = 20.0
"""A server that has not started after so long may wait for something that Ray or Serve has told."""

_STORE_SHARE = 0.9
"""Of the free shared memory, for Ray's object store."""

_OWN_WORDS_SEC = 3.0
"""What a process prints is here after so long at most."""


def main() -> None:
    """Run a server until a signal ends it; exit code 1 when it cannot start, with one error on the console that says why."""
    config, log, metrics_port = sys.argv[1:]
    sys.path.insert(0, ".")  # Where `serve run` looks for the application.
    signal.signal(signal.SIGTERM, _stop)
    console = _take_console(Path(log))
    try:
        settings = Settings()
    except ValidationError as failure:
        console.write(f"[ERROR] {wrong_setting(failure)}\n")
        sys.exit(1)
    configure_console(settings.log_level, settings.log_format, stream=console)
    sieve = ConsoleSieve(console, sys.stderr, settings.log_level)
    for logger in ("ray", SERVE_LOGGER_NAME):
        logging.getLogger(logger).addHandler(_Own(sieve))
    try:
        parsed = _parsed(Path(config))
        if os.environ.get("RAY_ADDRESS") == _HERE:
            _build_once(parsed)
        _start_ray(sieve, log, int(metrics_port), dashboard=settings.dashboard)
        _run(parsed, sieve)
    except KeyboardInterrupt:
        sieve.ending()
        code = 0
    except Exception as error:
        sieve.ending()
        if not isinstance(error, StartFailedError):
            sys.excepthook(type(error), error, error.__traceback__)  # To the log.
        if not sieve.told_error:
            server_event("error", f"the server cannot start: {one_line(error)}; {log} says more")
        code = 1
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ray.shutdown()
    sys.exit(code)


class _Own(logging.Handler):
    """Hands what is logged in this process to the sieve."""

    def __init__(self, sieve: ConsoleSieve) -> None:
        super().__init__()
        self._sieve = sieve

    def emit(self, record: logging.LogRecord) -> None:
        self._sieve.take_record(record)


class StartFailedError(Exception):
    """Serve has given the application up."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _take_console(log: Path) -> TextIO:
    """Keep standard output for the console, and send what this process and Ray's native code print to the log."""
    console = os.fdopen(os.dup(1), "w", buffering=1)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists():
            log.replace(log.with_name(log.name + ".1"))
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    except OSError as error:
        console.write(f"[ERROR] {log} cannot be written ({error.strerror}); set RENDER_LOG_DIR to a folder that can\n")
        sys.exit(1)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)
    return console


def _parsed(config: Path) -> ServeDeploySchema:
    return ServeDeploySchema.model_validate(yaml.safe_load(config.read_text()))


def _build_once(config: ServeDeploySchema) -> None:
    """Raise here, before anything is started, what Serve would meet when it builds an application: a wrong argument or setting."""
    for application in config.applications:
        call_user_app_builder_with_args_if_necessary(import_attr(application.import_path), application.args)


def _start_ray(sieve: ConsoleSieve, log: str, metrics_port: int, *, dashboard: bool) -> None:
    """Start a Ray, or join the one that ``RAY_ADDRESS`` names; a port of 0 for its metrics leaves that to Ray."""
    here = os.environ.get("RAY_ADDRESS") == _HERE
    own: dict[str, Any] = {}
    if here:
        own = {"_metrics_export_port": metrics_port, "object_store_memory": object_store_bytes(), "include_dashboard": dashboard}
    context: Any = ray.init(namespace=SERVE_NAMESPACE, **own)
    signal.signal(signal.SIGTERM, _stop)  # Ray has put its own in the place.
    lines_of_workers.remove_handler("ray_print_logs")
    lines_of_workers.add_handler("console", sieve.take)
    server_event("info", f"Ray is up; {_dashboard(context.dashboard_url)}; its own and Serve's output goes to {log}")


def object_store_bytes(shared_memory: Path = Path("/dev/shm")) -> int | None:
    """What Ray's object store may take where shared memory is smaller than Ray's own choice; None leaves it to Ray.

    Ray would put the store on the disk then, which is slow: in a container on a large machine, for example.
    """
    try:
        found = os.statvfs(shared_memory)
    except OSError:
        return None
    free = found.f_bavail * found.f_frsize
    if free >= DEFAULT_OBJECT_STORE_MEMORY_PROPORTION * get_system_memory():
        return None
    wanted = int(_STORE_SHARE * free)
    return wanted if wanted >= OBJECT_STORE_MINIMUM_MEMORY_BYTES else None


def _run(config: ServeDeploySchema, sieve: ConsoleSieve) -> None:
    """Have Serve run a config, and return only by an exception."""
    client = serve_start(http_options=config.http_options.model_dump(), proxy_location=config.proxy_location)
    client.deploy_apps(config)
    try:
        _wait_until_up(client, sieve)
        while True:
            time.sleep(10)
    except KeyboardInterrupt:
        if os.environ.get("RAY_ADDRESS") != _HERE:
            client.shutdown()  # What runs in somebody's cluster does not end with this process.
        raise


def _dashboard(address: str | None) -> str:
    if not address:
        return "it has no dashboard"
    taken = os.environ.get("RAY_ADDRESS") == _HERE and address != _USUAL_DASHBOARD
    return f"its dashboard is on http://{address}" + (f", since {_USUAL_DASHBOARD} is taken" if taken else "")


def _wait_until_up(client: Any, sieve: ConsoleSieve) -> None:
    """Return when every application runs.

    Raises:
        StartFailedError: one never will.
    """
    hold_until = time.monotonic() + _HOLD_ERRORS_SEC
    while not _is_up(client, sieve):
        if time.monotonic() > hold_until:
            sieve.show_errors()
        time.sleep(_LOOK_SEC)
    sieve.show_errors()


def _is_up(client: Any, sieve: ConsoleSieve) -> bool:
    states = [overview.app_status for overview in client.list_serve_statuses()]
    for state in states:
        if state.status == ApplicationStatus.DEPLOY_FAILED:
            until = time.monotonic() + _OWN_WORDS_SEC
            while not sieve.told_error and time.monotonic() < until:
                time.sleep(0.1)
            raise StartFailedError(reason(state.message))
    return bool(states) and all(state.status == ApplicationStatus.RUNNING for state in states)


def reason(message: str) -> str:
    """What a traceback ends with: the exception, whose text may have several lines."""
    lines = [line for line in message.splitlines() if line.strip() and "further information" not in line]
    last = max((number for number, line in enumerate(lines) if not line[0].isspace()), default=0)
    return "\n".join(lines[last:])


def one_line(error: Exception) -> str:
    """An error for the console; of a value that was refused, its name and what is wrong."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return f"{error.title}: {where}{': ' if where else ''}{first['msg']}; got {first['input']!r}"
    text = str(error) if isinstance(error, StartFailedError) else f"{type(error).__name__}: {error}"
    return "; ".join(part.strip() for part in text.splitlines() if part.strip())


if __name__ == "__main__":
    main()
