"""Structured logs, one line an event: of the service to the console, of a job to its own file, and its end to the console, too."""

from __future__ import annotations

import atexit
import logging
import sys
from logging.handlers import QueueHandler, QueueListener
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TextIO

import structlog

from serve_app.base.log_file import LogFile
from serve_app.base.log_lines import CONSOLE_LINES, Event, Fields, LogFormat, logfmt_line

_CONSOLE = logging.getLogger("render_server")


def _as_fields(logger: Any, method: str, fields: Any) -> Any:
    """Hand the event on as it is: a file and a console write it in different forms."""
    return (Event(fields),), {}


_PROCESSORS = [structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), _as_fields]
"""The same ones for all: thousands of jobs wait with a logger each."""


def _bound(sink: Any) -> Any:
    """A bound logger whose events go to the methods ``debug`` to ``error`` of a sink."""
    wrapper = structlog.make_filtering_bound_logger(logging.DEBUG)
    return structlog.wrap_logger(sink, processors=_PROCESSORS, wrapper_class=wrapper, cache_logger_on_first_use=True)


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


_server = _bound(_CONSOLE)


class _ConsoleFormatter(logging.Formatter):
    """Writes an event in the console's form."""

    def __init__(self, log_format: LogFormat) -> None:
        super().__init__()
        self._line = CONSOLE_LINES[log_format]

    def format(self, record: logging.LogRecord) -> str:
        fields: Any = record.msg
        return self._line(fields)


def configure_console(level: str, log_format: LogFormat = "text", *, stream: TextIO | None = None, background: bool = False) -> None:
    """Send the service's events to a console.

    Args:
        level: from which up.
        log_format: form of the lines.
        stream: the console; None for standard error.
        background: write them on a thread of their own: a console is a file or a pipe, and whoever serves requests must not wait for it.
    """
    handler: logging.Handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_ConsoleFormatter(log_format))
    if background:
        lines: SimpleQueue[Any] = SimpleQueue()
        listener = QueueListener(lines, handler)
        listener.start()
        atexit.register(listener.stop)  # Which writes what is left.
        handler = _Queued(lines)
    _CONSOLE.handlers, _CONSOLE.propagate = [handler], False
    _CONSOLE.setLevel(level)


class _Queued(QueueHandler):
    """Hands an event over as it is: only the listener knows the form."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record


def server_event(level: str, event: str, /, **fields: Any) -> None:
    """Log an event that belongs to no job."""
    _server.log(_number(level), event, **fields)


def log_path_of(folder: Path, job_id: str) -> Path:
    """``logs/<job_id>.log`` with links resolved."""
    return folder.resolve() / f"{job_id}.log"


class JobLog:
    """The log of one job: its file, which takes every event, and the console, which takes the job's end and what went wrong.

    Args:
        path: ``logs/<job_id>.log``; its folder is made if need be. A log that cannot be written is left out, and the console says so
            once.
        job_id: written into every line.
        request_id: of the request that made the job, written into every line; empty where it is not known.
    """

    def __init__(self, path: Path, job_id: str, request_id: str = "") -> None:
        def cannot_be_written(reason: str) -> None:
            server_event("error", "job log cannot be written", job_id=job_id, path=str(path), cause=reason)

        self._file = LogFile(path, cannot_be_written)
        named = {"job_id": job_id, "request_id": request_id} if request_id else {"job_id": job_id}
        self._logger = _bound(_FileAndConsole(self._file, logging.DEBUG)).bind(**named)
        self._told = _bound(_FileAndConsole(self._file, logging.INFO)).bind(**named)

    def event(self, level: str, event: str, /, **fields: Any) -> None:
        """Log an event; returns at once, and the file has it a moment later.

        Args:
            level: ``debug``, ``info``, ``warning`` or ``error``. The console shows the first two only where its own level is ``DEBUG``.
            event: what happened, in few words.
            **fields: its values.
        """
        self._logger.log(_number(level), event, **fields)

    def end(self, level: str, event: str, /, **fields: Any) -> None:
        """Log how the job ended: the one event of a job that went well which the console shows at ``INFO``, too."""
        self._told.log(_number(level), event, **fields)

    async def close(self) -> None:
        """Return when every event so far is in the file, or cannot be. A later event still comes there."""
        await self._file.close()


class _FileAndConsole:
    """Where the events of a job go.

    Args:
        file: takes all.
        info_level: of the console's, at which it gets those of the level ``info``.
    """

    def __init__(self, file: LogFile, info_level: int) -> None:
        self._file, self._info_level = file, info_level

    def debug(self, fields: Fields) -> None:
        self._file.append(logfmt_line(fields))
        _CONSOLE.debug(fields)

    def info(self, fields: Fields) -> None:
        self._file.append(logfmt_line(fields))
        _CONSOLE.log(self._info_level, fields)

    def warning(self, fields: Fields) -> None:
        self._file.append(logfmt_line(fields))
        _CONSOLE.warning(fields)

    def error(self, fields: Fields) -> None:
        self._file.append(logfmt_line(fields))
        _CONSOLE.error(fields)
