"""The tables of the job store, and the way to them from those of earlier versions."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

from serve_app.base.errors import UnusableStoreError
from serve_app.jobs.pages import LISTED_INDEX

VERSION = 6
"""Version of the tables, kept as SQLite's ``user_version``."""

_JOBS = """
CREATE TABLE jobs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    cad_path TEXT NOT NULL,
    output_dir TEXT NOT NULL,
    templates_dir TEXT NOT NULL,
    log_path TEXT NOT NULL,
    created_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    elapsed_sec REAL,
    job_group TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    request_key TEXT UNIQUE,
    restarts_without_view INTEGER NOT NULL DEFAULT 0,
    total_poses INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    view_seconds TEXT NOT NULL,
    warnings TEXT NOT NULL,
    error TEXT NOT NULL,
    options TEXT NOT NULL,
    staging TEXT,
    cad TEXT NOT NULL DEFAULT 'null',
    results_expire_at REAL
)
"""
_OTHERS = """
CREATE INDEX IF NOT EXISTS jobs_of_status ON jobs (status, sequence);
CREATE TABLE IF NOT EXISTS views (
    job_id TEXT NOT NULL,
    view INTEGER NOT NULL,
    rendering_key TEXT NOT NULL,
    rendered TEXT NOT NULL,
    PRIMARY KEY (job_id, view)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (cad_sha256 TEXT PRIMARY KEY, until REAL NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS servers (epoch INTEGER PRIMARY KEY AUTOINCREMENT, started REAL NOT NULL);
CREATE TABLE IF NOT EXISTS webhooks (
    job_id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    host TEXT NOT NULL,
    ended_at REAL,
    due_at REAL,
    attempts INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS webhooks_due ON webhooks (due_at) WHERE due_at IS NOT NULL;
"""
"""Tables that earlier versions lack, and that no version has changed: those below the jobs need no version of their own."""

_ADDED_SINCE = {4: "staging TEXT", 5: "cad TEXT NOT NULL DEFAULT 'null'", 6: "results_expire_at REAL"}
"""The columns that came with each version after 3, whose table lacks nothing else."""

_SECOND = "second"
"""The table of version 2 while its rows are taken over. Version 1 had fewer columns, each of which has a default."""

_ADDED_IN_2 = {"job_group": "''", "request_key": "NULL", "request_hash": "''", "resumed": "0"}


def check_version(db: sqlite3.Connection, path: Path) -> int:
    """Version of the tables; 0 where there are none.

    Raises:
        UnusableStoreError: a newer version of the server has written the store.
    """
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise UnusableStoreError(
            f"the job store {path} was written by a newer version of the server (format {version}, this one reads up to {VERSION}). "
            f"Install that version again, or move {path.name} and all {path.name}-* files away to begin with an empty store"
        )
    return version


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Make the tables, or bring older ones up to date, in one transaction.

    Args:
        db: in autocommit mode.
        path: of the file, for the message.

    Raises:
        UnusableStoreError: see ``check_version``.
    """
    version = check_version(db, path)
    if version < VERSION:
        db.execute("BEGIN IMMEDIATE")
        try:
            if version >= min(_ADDED_SINCE) - 1:
                for column in (_ADDED_SINCE[number] for number in range(version + 1, VERSION + 1)):
                    db.execute(f"ALTER TABLE jobs ADD COLUMN {column}")
            else:
                _begin_anew(db)
            db.execute(f"PRAGMA user_version={VERSION}")
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
    db.executescript(_OTHERS)
    db.execute(LISTED_INDEX)


def _begin_anew(db: sqlite3.Connection) -> None:
    """Make the table of jobs, with the rows of version 1 or 2 where there are any."""
    columns = {row[1] for row in db.execute("PRAGMA table_info(jobs)")}
    if columns:
        db.execute(f"ALTER TABLE jobs RENAME TO {_SECOND}")
    db.execute(_JOBS)
    if columns:
        _take_over(db, columns)
        db.execute(f"DROP TABLE {_SECOND}")


def _take_over(db: sqlite3.Connection, columns: set[str]) -> None:
    """Copy the rows of version 1 or 2, whose jobs were the JSON text of the answer over HTTP."""
    added = ", ".join(name if name in columns else f"{default} AS {name}" for name, default in _ADDED_IN_2.items())
    for sequence, text, group, key, digest, restarts in db.execute(f"SELECT sequence, record, {added} FROM {_SECOND} ORDER BY sequence"):
        record = json.loads(text)
        row = {
            "sequence": sequence,
            **{name: record[name] for name in ("job_id", "status", "cad_path", "output_dir", "templates_dir", "log_path")},
            "created_at": _seconds(record["created_at"]),
            "started_at": _seconds(record.get("started_at")),
            "ended_at": _seconds(record.get("ended_at")),
            "elapsed_sec": record.get("elapsed_sec"),
            "job_group": group,
            "request_hash": digest,
            "request_key": key,
            "restarts_without_view": restarts,
            "total_poses": record.get("total_poses", 0),
            "cached": record.get("cached", False),
            "view_seconds": json.dumps(record.get("view_seconds", {})),
            "warnings": json.dumps(record.get("warnings", [])),
            "error": json.dumps(record.get("error")),
            "options": json.dumps(record.get("options", {})),
        }
        db.execute(f"INSERT INTO jobs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))


def _seconds(moment: Any) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if moment else None
