"""Pages of the list of jobs, newest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from serve_app.base.errors import ServiceError
from serve_app.jobs.record import JobRecord
from serve_app.jobs.rows import COLUMNS, record_from
from serve_app.jobs.states import JobState

LISTED = "jobs_listed"
"""The index that a page is looked up in: it has all that is filtered by, and the table's long rows are read for the page alone."""

LISTED_INDEX = f"CREATE INDEX IF NOT EXISTS {LISTED} ON jobs (sequence, status, job_id, cad_path, output_dir)"

MAX_TEXT = 200
"""Characters of ``JobQuery.text``."""


@dataclass(frozen=True)
class JobQuery:
    """Which jobs are listed.

    Attributes:
        statuses: only jobs in one of these states; empty for all.
        text: only jobs that have it in their id, ``cad_path`` or ``output_dir``, in capital or small letters; empty for all.
        before: id of a job: only older ones; None for all.
        limit: at most this many.
    """

    statuses: Sequence[JobState] = ()
    text: str = ""
    before: str | None = None
    limit: int = 50


@dataclass(frozen=True)
class JobPage:
    """A page.

    Attributes:
        records: the jobs, newest first.
        total: how many there are in all, on whichever page.
        next: ``before`` of the next page; None where this is the last one.
    """

    records: list[JobRecord]
    total: int
    next: str | None


def select_page(db: sqlite3.Connection, query: JobQuery) -> JobPage:
    """Look a page up.

    Raises:
        ServiceError: ``job_not_found``; there is no job ``before``.
    """
    where, values = _conditions(query)
    total = db.execute(f"SELECT count(*) FROM jobs INDEXED BY {LISTED} {_where(where)}", values).fetchone()[0]
    if query.before is not None:
        row = db.execute("SELECT sequence FROM jobs WHERE job_id = ?", (query.before,)).fetchone()
        if row is None:
            raise ServiceError("job_not_found", f"there is no job {query.before!r} to list older ones of; leave `before` out", "before")
        where, values = [*where, "sequence < ?"], [*values, row[0]]
    # One more than asked for tells whether there is a next page.
    chosen = f"SELECT sequence FROM jobs INDEXED BY {LISTED} {_where(where)} ORDER BY sequence DESC LIMIT ?"
    rows = db.execute(f"SELECT {COLUMNS} FROM jobs WHERE sequence IN ({chosen}) ORDER BY sequence DESC", [*values, query.limit + 1])
    records = [record_from(row) for row in rows]
    page = records[: query.limit]
    return JobPage(page, total, page[-1].job_id if len(records) > query.limit else None)


def _conditions(query: JobQuery) -> tuple[list[str], list[str | int]]:
    where, values = list[str](), list[str | int]()
    if query.statuses:
        statuses = sorted(set(query.statuses))
        where.append(f"status IN ({', '.join('?' * len(statuses))})")
        values += statuses
    if query.text:
        escaped = query.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        where.append("(" + " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in ("job_id", "cad_path", "output_dir")) + ")")
        values += [f"%{escaped}%"] * 3
    return where, values


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
