"""The webhooks that jobs have yet to send, as the store keeps them: a row from a job's acceptance until its receiver has taken it.

A row is due from its job's end on. Each attempt puts the next one off before it is made, so one that the server did not survive is made
again, and no row is tried twice at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from serve_app.jobs.callback import target_of


@dataclass(frozen=True)
class Webhook:
    """One that is to be sent.

    Attributes:
        job_id: of the job that has ended.
        url: of its request.
        host: in the URL, with its port.
        ended_at: Unix seconds.
        attempts: that were made before.
    """

    job_id: str
    url: str
    host: str
    ended_at: float
    attempts: int


def insert_webhook(db: sqlite3.Connection, job_id: str, url: str) -> None:
    """A job is accepted that wants one."""
    db.execute("INSERT OR REPLACE INTO webhooks (job_id, url, host) VALUES (?, ?, ?)", (job_id, url, target_of(url).authority))


def make_due(db: sqlite3.Connection, job_id: str, ended_at: float) -> None:
    """A job has ended; one that wants no webhook is no error."""
    db.execute("UPDATE webhooks SET ended_at = ?, due_at = ? WHERE job_id = ? AND ended_at IS NULL", (ended_at, ended_at, job_id))


def due_webhooks(db: sqlite3.Connection, now: float, limit: int, busy_hosts: Collection[str]) -> list[Webhook]:
    """Those that are due, longest first, but none of these hosts."""
    marks = ",".join("?" * len(busy_hosts))
    sql = f"SELECT job_id, url, host, ended_at, attempts FROM webhooks WHERE due_at <= ? AND host NOT IN ({marks}) ORDER BY due_at LIMIT ?"
    return [Webhook(*row) for row in db.execute(sql, (now, *busy_hosts, limit))]


def next_due(db: sqlite3.Connection, after: float) -> float | None:
    """When the next one is due after a moment, or None."""
    moment: float | None = db.execute("SELECT min(due_at) FROM webhooks WHERE due_at > ?", (after,)).fetchone()[0]
    return moment


def count_waiting(db: sqlite3.Connection) -> int:
    """Webhooks of jobs that have ended."""
    count: int = db.execute("SELECT count(*) FROM webhooks WHERE due_at IS NOT NULL").fetchone()[0]
    return count


def put_off(db: sqlite3.Connection, job_id: str, attempts: int, due_at: float) -> None:
    """So many attempts were made, and the next one is due then."""
    db.execute("UPDATE webhooks SET attempts = ?, due_at = ? WHERE job_id = ?", (attempts, due_at, job_id))


def remove_webhook(db: sqlite3.Connection, job_id: str) -> None:
    """It was taken, or is given up."""
    db.execute("DELETE FROM webhooks WHERE job_id = ?", (job_id,))
