"""Turns job records into rows of the store's table and back."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from serve_app.jobs.record import JobError, JobRecord

_NAMES = {"group": "job_group"}
"""Columns that cannot be called as the record's field: ``group`` is a word of SQL."""

_JSON = ("view_seconds", "warnings", "error", "options", "cad")
_FIELDS = tuple(field.name for field in dataclasses.fields(JobRecord) if field.name != "waiting_for")

COLUMNS = ", ".join(_NAMES.get(name, name) for name in _FIELDS)
"""What a query selects for ``record_from``."""

_COUNTED_BY_STORE = "restarts_without_view"


def row_of(record: JobRecord) -> dict[str, Any]:
    """The values of a record by column, all but those that the store alone counts."""
    row = {}
    for name in _FIELDS:
        if name != _COUNTED_BY_STORE:
            value = getattr(record, name)
            if name == "error":
                value = dataclasses.asdict(value) if value else None
            row[_NAMES.get(name, name)] = json.dumps(value) if name in _JSON else value
    return row


def record_from(row: tuple[Any, ...]) -> JobRecord:
    """The record of a row selected with ``COLUMNS``."""
    values = dict(zip(_FIELDS, row, strict=True))
    values |= {name: json.loads(values[name]) for name in _JSON}
    values["view_seconds"] = {int(view): seconds for view, seconds in values["view_seconds"].items()}
    values["warnings"] = tuple(values["warnings"])
    values["error"] = JobError(**values["error"]) if values["error"] else None
    values["cached"] = bool(values["cached"])
    return JobRecord(**values)
