"""Decides what of all that a server's processes print a person sees: the service's own lines, and others' warnings and errors."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Mapping
from typing import Any, Literal, TextIO

from serve_app.base.log_lines import is_console_line
from serve_app.base.logs import server_event
from serve_app.base.serve_logs import HARMLESS

Level = Literal["debug", "info", "warning", "error"]

_HEAD = re.compile(
    r"(?P<serve>DEBUG|INFO|WARNING|ERROR|CRITICAL) \d{4}-\d\d-\d\d [\d:,]+ "
    r"|\d{4}-\d\d-\d\d [\d:,]+\t(?P<ray>[A-Z]+) "
    r"|\[\d{4}-\d\d-\d\d [\d:,]+ (?P<native>[A-Z]) [^\]]*\] "
    r"|(?P<glog>[IWEF])\d{4} [\d:.]+ +\d+ "
)
"""How a line begins that Serve, Ray, Ray's native code or a library of it has logged."""

_LEVELS: dict[str, Level] = {"D": "debug", "I": "info", "S": "info", "W": "warning", "E": "error", "C": "error", "F": "error"}
"""By the first letter; S is Ray's `SUCC`."""

_CRASHES = ("Fatal Python error", "*** SIG", "terminate called")
_TRACEBACK = "Traceback (most recent call last)"
_ORDERED_END = "SystemExit"
"""What Ray raises in a worker that it ends. Python prints it where that meets a callback of the garbage collector."""

_AUTOSCALER_EVENT = ":event_summary:"
"""What begins a line of Ray's cluster autoscaler that is meant for the console: the others are a table, every few seconds."""


class ConsoleSieve:
    """Takes the lines of all processes: each goes to the log file, and few to the console.

    Args:
        console: where a person looks.
        log: takes everything.
        level: ``RENDER_LOG_LEVEL``: of others' lines, ``DEBUG`` shows all, ``ERROR`` errors alone, and the rest warnings and errors.

    Errors of Ray and Serve are held back until ``show_errors``: where a server cannot start, one line of its own says why.

    Attributes:
        told_error: whether the service has said by itself, before ``show_errors``, what is wrong.
    """

    def __init__(self, console: TextIO, log: TextIO, level: str) -> None:
        self._console, self._log = console, log
        shown = {"DEBUG": ("debug", "info", "warning", "error"), "ERROR": ("error",)}
        self._shown = shown.get(level, ("warning", "error"))
        self._lock = threading.Lock()
        self._traced: set[str] = set()
        self._held: list[tuple[Level, str, str]] | None = []
        self._ending = False
        self.told_error = False

    def show_errors(self) -> None:
        """Show errors at once from now on, and those that were held back now."""
        with self._lock:
            held, self._held = self._held or [], None
            for level, text, process in held:
                server_event(level, text, process=process)

    def ending(self) -> None:
        """The server is being stopped: what Ray says of the end of its processes goes to the log alone."""
        with self._lock:
            self._ending = True

    def take(self, batch: Mapping[str, Any]) -> None:
        """Take lines of one process.

        Args:
            batch: as Ray's log monitor sends it: ``lines``, ``pid``, and where they are known ``actor_name``, ``task_name``, ``ip``.
        """
        process = " ".join(str(part) for part in (batch.get("actor_name") or batch.get("task_name"), batch.get("pid")) if part)
        lines = [str(line) for line in batch.get("lines", [])]
        if process == "autoscaler":
            lines = [line.removeprefix(_AUTOSCALER_EVENT) for line in lines if line.startswith(_AUTOSCALER_EVENT)]
        with self._lock:
            for line in lines:
                self._take_line(line, process)
            with contextlib.suppress(OSError):
                self._log.flush()

    def take_record(self, record: logging.LogRecord) -> None:
        """Take what Ray or Serve has logged in this process: it is in the log file already."""
        level = _LEVELS.get(record.levelname[0], "info")
        with self._lock:
            if level in self._shown and not self._ending:
                self._tell(level, record.getMessage().partition("\n")[0], record.name)

    def _take_line(self, line: str, process: str) -> None:
        if is_console_line(line):
            with contextlib.suppress(OSError):  # Nobody looks any more; whatever happens, this goes on.
                self._console.write(line + "\n")
                self._console.flush()
            if self._held is not None:
                self.told_error |= line.startswith("[ERROR]") or '"level": "error"' in line
            self._traced.discard(process)
            return
        with contextlib.suppress(OSError):  # The disk is full.
            self._log.write(f"({process}) {line}\n")
        found = self._level_and_text(line, process)
        if found is not None and found[0] in self._shown and not self._ending and not any(words in line for words in HARMLESS):
            self._tell(*found, process)

    def _level_and_text(self, line: str, process: str) -> tuple[Level, str] | None:
        """Of a line that says something by itself; None for one that goes on from the line before."""
        head = _HEAD.match(line)
        if head is not None:
            self._traced.discard(process)
            return _LEVELS.get((head[head.lastgroup or 0])[0], "info"), line[head.end() :]
        if line.startswith(_TRACEBACK):
            self._traced.add(process)
        elif process in self._traced and line[:1].strip():  # What ends a traceback: the exception.
            self._traced.discard(process)
            return ("info" if line.startswith(_ORDERED_END) else "error"), line
        elif line.startswith(_CRASHES):
            return "error", line
        elif process in ("raylet", "autoscaler"):
            return ("warning" if process == "raylet" or "Warning:" in line or "Error:" in line else "info"), line
        return None

    def _tell(self, level: Level, text: str, process: str) -> None:
        if level == "error" and self._held is not None:
            self._held.append((level, text, process))
        else:
            server_event(level, text, process=process)
