"""What Serve's own controller shows on the console of a plain ``serve run``; ``render-server up`` looks at the lines itself.

``tools/ray_defaults.py`` has Serve call ``keep_console_short`` in the controller's process.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import ray
from pydantic import ValidationError
from ray.serve._private.constants import SERVE_LOGGER_NAME

from serve_app.base.logs import configure_console, server_event
from serve_app.base.settings import Settings, wrong_setting

HARMLESS = (
    "Cannot deregister autoscaling state",  # At every start, of the deployment that has none.
    "A worker died or was killed while executing a task",  # A Blender was ended; the supervisor says when that is a fault.
)
"""Warnings of Ray and Serve that say nothing of a fault."""


def keep_console_short() -> None:
    """Have Serve's logger in this process show warnings and errors alone, each as one line; its log file has everything."""
    try:
        settings = Settings()
    except ValidationError as failure:  # Serve says so by a long traceback, when it builds the application.
        configure_console("INFO", stream=sys.stderr)
        server_event("error", f"the server cannot start: {wrong_setting(failure)}")
        return
    if settings.log_level == "DEBUG":
        return
    for handler in logging.getLogger(SERVE_LOGGER_NAME).handlers:
        if type(handler) is logging.StreamHandler:
            handler.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[settings.log_level]))
            handler.addFilter(lambda record: not str(record.msg).startswith(HARMLESS))
            handler.setFormatter(_FirstLine(handler.formatter))
    configure_console(settings.log_level, settings.log_format, stream=sys.stderr)
    server_event("info", f"Ray's and Serve's own output goes to {_ray_logs()}")


def _ray_logs() -> str:
    node: Any = ray._private.worker._global_node
    return str(node.get_logs_dir_path()) if node else "Ray's log folder"


class _FirstLine(logging.Formatter):
    """Leaves out what comes after the first line: tracebacks through Serve's own code."""

    def __init__(self, whole: logging.Formatter | None) -> None:
        super().__init__()
        self._whole = whole or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        return self._whole.format(record).partition("\n")[0]
