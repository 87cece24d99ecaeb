"""Structured logs: one line an event, ``key=value``, to the console and to each job's own file."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import structlog

_RENDER = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False)
_STAMP = structlog.processors.TimeStamper(fmt="iso", utc=True)
_CONSOLE = "render_server"


def configure_console(level: str) -> None:
    """Send the service's events to standard error from ``level`` up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger(_CONSOLE)
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(level)


def server_event(level: str, event: str, /, **fields: Any) -> None:
    """Log an event that belongs to no job."""
    logging.getLogger(_CONSOLE).log(logging.getLevelName(level.upper()), _line(level, event, fields))


def _line(level: str, event: str, fields: dict[str, Any]) -> str:
    entry = {"level": level, "event": event, **{key: _plain(value) for key, value in fields.items()}}
    return str(_RENDER(None, "", _STAMP(None, "", entry)))


def _plain(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value)
    return value.replace("\n", "\\n") if isinstance(value, str) else value


def log_path_of(folder: Path, job_id: str) -> Path:
    """``logs/<job_id>.log`` with links resolved."""
    return folder.resolve() / f"{job_id}.log"


class JobLog:
    """The log of one job: its file, which takes every level, and the console.

    Args:
        path: ``logs/<job_id>.log``; its folder is made if need be. A log that cannot be written goes to the console alone.
        job_id: written into every line.
    """

    def __init__(self, path: Path, job_id: str) -> None:
        self._path, self._job_id = path, job_id

    def event(self, level: str, event: str, /, **fields: Any) -> None:
        """Log an event.

        Args:
            level: ``debug``, ``info``, ``warning`` or ``error``.
            event: what happened, in few words.
            **fields: its values.
        """
        line = _line(level, event, {"job_id": self._job_id, **fields})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:  # A job must not fail, or hang, for its log.
            logging.getLogger(_CONSOLE).error(_line("error", "job log cannot be written", {"path": str(self._path), "cause": str(error)}))
        logging.getLogger(_CONSOLE).log(logging.getLevelName(level.upper()), line)
