"""Structured logs: one line an event, ``key=value``, to the console and to each job's own file."""

from __future__ import annotations

import atexit
import json
import logging
import sys
from logging.handlers import QueueHandler, QueueListener
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import structlog

from serve_app.base.log_file import LogFile

_CONSOLE = logging.getLogger("render_server")


def _plain(logger: Any, method: str, fields: Any) -> Any:
    """Every value on one line."""
    for key, value in fields.items():
        if isinstance(value, dict | list):
            fields[key] = json.dumps(value)
        elif isinstance(value, str):
            fields[key] = value.replace("\n", "\\n")
    return fields


_PROCESSORS = [
    _plain,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
]
"""The same ones for all: thousands of jobs wait with a logger each."""


def _bound(sink: Any) -> Any:
    """A bound logger whose lines go to the methods ``debug`` to ``error`` of a sink."""
    wrapper = structlog.make_filtering_bound_logger(logging.DEBUG)
    return structlog.wrap_logger(sink, processors=_PROCESSORS, wrapper_class=wrapper, cache_logger_on_first_use=True)


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


_server = _bound(_CONSOLE)


def configure_console(level: str, *, background: bool = False) -> None:
    """Send the service's events to standard error.

    Args:
        level: from which up.
        background: write them on a thread of their own: a console is a file or a pipe, and whoever serves requests must not wait for it.
    """
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    if background:
        lines: SimpleQueue[Any] = SimpleQueue()
        listener = QueueListener(lines, handler)
        listener.start()
        atexit.register(listener.stop)  # Which writes what is left.
        handler = QueueHandler(lines)
    _CONSOLE.handlers, _CONSOLE.propagate = [handler], False
    _CONSOLE.setLevel(level)


def server_event(level: str, event: str, /, **fields: Any) -> None:
    """Log an event that belongs to no job."""
    _server.log(_number(level), event, **fields)


def log_path_of(folder: Path, job_id: str) -> Path:
    """``logs/<job_id>.log`` with links resolved."""
    return folder.resolve() / f"{job_id}.log"


class JobLog:
    """The log of one job: its file, which takes every level, and the console.

    Args:
        path: ``logs/<job_id>.log``; its folder is made if need be. A log that cannot be written goes to the console alone,
            which says so once.
        job_id: written into every line.
        request_id: of the request that made the job, written into every line; empty where it is not known.
    """

    def __init__(self, path: Path, job_id: str, request_id: str = "") -> None:
        def cannot_be_written(reason: str) -> None:
            server_event("error", "job log cannot be written", job_id=job_id, path=str(path), cause=reason)

        self._file = LogFile(path, cannot_be_written)
        named = {"job_id": job_id, "request_id": request_id} if request_id else {"job_id": job_id}
        self._logger = _bound(_FileAndConsole(self._file)).bind(**named)

    def event(self, level: str, event: str, /, **fields: Any) -> None:
        """Log an event; returns at once, and the file has it a moment later.

        Args:
            level: ``debug``, ``info``, ``warning`` or ``error``.
            event: what happened, in few words.
            **fields: its values.
        """
        self._logger.log(_number(level), event, **fields)

    async def close(self) -> None:
        """Return when every event so far is in the file, or cannot be. A later event still comes there."""
        await self._file.close()


class _FileAndConsole:
    """Where the lines of a job go."""

    def __init__(self, file: LogFile) -> None:
        self._file = file

    def _write(self, level: int, line: str) -> None:
        self._file.append(line)
        _CONSOLE.log(level, line)

    def debug(self, line: str) -> None:
        self._write(logging.DEBUG, line)

    def info(self, line: str) -> None:
        self._write(logging.INFO, line)

    def warning(self, line: str) -> None:
        self._write(logging.WARNING, line)

    def error(self, line: str) -> None:
        self._write(logging.ERROR, line)
