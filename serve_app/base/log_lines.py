"""The forms that a line of a log can have: ``logfmt`` in a job's own file, text or JSON on the console."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from structlog.processors import LogfmtRenderer

LogFormat = Literal["text", "json"]
"""Of the console: text for a person, or JSON objects for a program."""

Fields = Mapping[str, Any]
"""``timestamp`` (ISO 8601, UTC), ``level``, ``event``, and the values of an event."""


class Event(dict[str, Any]):
    """``Fields`` that any handler of ``logging`` writes as text."""

    def __str__(self) -> str:
        return text_line(self)


_HEAD = ["timestamp", "level", "event"]
_whole = LogfmtRenderer(key_order=_HEAD, bool_as_flag=False)
_values = LogfmtRenderer(bool_as_flag=False)

_OURS = re.compile(r'\[(?:DEBUG|INFO|WARNING|ERROR)\] \d{4}-\d\d-\d\dT[\d:.]+Z |\{"timestamp": "[^"]+", "level": "\w+", "event": ')


def logfmt_line(fields: Fields) -> str:
    """``timestamp=… level=info event="job accepted" job_id=…``, as in a job's own log."""
    return str(_whole(None, "", _flat(fields)))


def text_line(fields: Fields) -> str:
    """``[INFO] 2026-01-31T12:00:00Z job succeeded job_id=… views=42``, for a person."""
    values = {key: value for key, value in _flat(fields).items() if key not in _HEAD and value is not None}
    seconds = str(fields["timestamp"]).partition(".")[0].removesuffix("Z")
    event = str(fields["event"]).replace("\n", "\\n")
    return f"[{str(fields['level']).upper()}] {seconds}Z {event} {_values(None, '', values)}".rstrip()


def json_line(fields: Fields) -> str:
    """One JSON object; its first keys are ``timestamp``, ``level`` and ``event``."""
    return json.dumps({key: fields[key] for key in _HEAD} | dict(fields), default=str)


CONSOLE_LINES: dict[LogFormat, Callable[[Fields], str]] = {"text": text_line, "json": json_line}


def is_console_line(line: str) -> bool:
    """Whether a line is one of those that ``text_line`` or ``json_line`` made."""
    return _OURS.match(line) is not None


def _flat(fields: Fields) -> dict[str, Any]:
    """Every value on one line."""
    return {key: _plain(value) for key, value in fields.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value)
    return value.replace("\n", "\\n") if isinstance(value, str) else value
