"""Keeps every accepted job on disk: a job's record is stored before its id is answered."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from serve_app.base.errors import ServiceError
from serve_app.http.responses import JobRecord
from serve_app.jobs.states import FINAL_STATES, TRANSITIONAL_STATES

T = TypeVar("T")

DATABASE = "jobs.sqlite3"
_MARK = "-made"
"""Ending of the file that says that there is a store: one that is gone or emptied later is not taken for a new one."""

_VERSION = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    record TEXT NOT NULL,
    job_group TEXT NOT NULL DEFAULT '',
    request_key TEXT UNIQUE,
    request_hash TEXT NOT NULL DEFAULT '',
    resumed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, sequence);
CREATE TABLE IF NOT EXISTS views (
    job_id TEXT NOT NULL,
    view INTEGER NOT NULL,
    rendering_key TEXT NOT NULL,
    rendered TEXT NOT NULL,
    PRIMARY KEY (job_id, view)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (cad_sha256 TEXT PRIMARY KEY, until REAL NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS servers (epoch INTEGER PRIMARY KEY AUTOINCREMENT, started REAL NOT NULL);
"""
_ADDED_SINCE_1 = (
    "job_group TEXT NOT NULL DEFAULT ''",
    "request_key TEXT",
    "request_hash TEXT NOT NULL DEFAULT ''",
    "resumed INTEGER NOT NULL DEFAULT 0",
)
LEAST_KEPT = 1000
"""Newest ended jobs that are kept whatever their age."""

_LOCK_PATIENCE_SEC = 10.0


@dataclass(frozen=True)
class StoredJob:
    """A job as it lies in the store.

    Attributes:
        record: as clients see it.
        group: of the batch it came with.
        request_hash: of the body that a client sent with a key or an id of its own.
        resumed: servers that began it and did not end it, since a view of it was last rendered.
    """

    record: JobRecord
    group: str
    request_hash: str
    resumed: int


_COLUMNS = "record, job_group, request_hash, resumed"


def _stored(row: tuple[str, str, str, int]) -> StoredJob:
    return StoredJob(JobRecord.model_validate_json(row[0]), *row[1:])


class JobStore:
    """Jobs, the views that are done of those that have not ended, and quarantined CADs, in SQLite.

    One thread owns the connection, so the event loop never waits for the disk, and there is one writer.

    Args:
        folder: ``RENDER_DATA_DIR``; made if it is not there. One server at a time may use it.

    Attributes:
        epoch: number of this server among those that have used the store.

    Raises:
        RuntimeError: another server uses the folder, or the store is damaged.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(folder / "server.lock")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="job-store")
        try:
            self._db, self.epoch = self._thread.submit(_opened, folder / DATABASE).result()
        except BaseException:
            os.close(self._lock)
            raise

    async def _run(self, work: Callable[[], T]) -> T:
        """Do some work with the database on its thread.

        Raises:
            ServiceError: ``store_unavailable`` when the disk is full, read only or broken.
        """
        try:
            # Shielded: a caller that is cancelled must not leave a statement half awaited.
            return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))
        except sqlite3.DatabaseError as error:
            raise ServiceError(
                "store_unavailable", f"the job store cannot be used at the moment ({error}); the operator must see to RENDER_DATA_DIR"
            ) from error

    async def insert(self, record: JobRecord, group: str, request_key: str | None = None, request_hash: str = "") -> StoredJob | None:
        """Store a new job; on disk when this returns.

        Args:
            record: the job.
            group: of the batch it came with.
            request_key: a key that the client chose, which no other job may have; None for none.
            request_hash: of the request, to tell a repetition from another request.

        Returns:
            None, or the job that already has this id or key; nothing was stored then.
        """

        def work() -> StoredJob | None:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                where, values = "job_id = ? OR (request_key IS NOT NULL AND request_key = ?)", (record.job_id, request_key)
                rows = self._db.execute(f"SELECT {_COLUMNS} FROM jobs WHERE {where}", values).fetchall()
                if rows:
                    return _stored(rows[0])
                self._db.execute(
                    "INSERT INTO jobs (job_id, status, record, job_group, request_key, request_hash) VALUES (?, ?, ?, ?, ?, ?)",
                    (record.job_id, record.status, record.model_dump_json(), group, request_key, request_hash),
                )
            return None

        return await self._run(work)

    async def update(self, record: JobRecord, resumed: int = 0) -> None:
        """Store a changed job; on disk when this returns. With its end, what is known of its views goes."""

        def work() -> None:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.execute(
                    "UPDATE jobs SET status = ?, record = ?, resumed = ? WHERE job_id = ?",
                    (record.status, record.model_dump_json(), resumed, record.job_id),
                )
                if record.status in FINAL_STATES:
                    self._db.execute("DELETE FROM views WHERE job_id = ?", (record.job_id,))

        await self._run(work)

    async def get(self, job_id: str) -> StoredJob | None:
        """A job by its id, or None."""
        return await self._one("job_id = ?", job_id)

    async def by_key(self, request_key: str) -> StoredJob | None:
        """A job by the key that its client chose, or None."""
        return await self._one("request_key = ?", request_key)

    async def _one(self, where: str, value: str) -> StoredJob | None:
        rows = await self._run(lambda: self._db.execute(f"SELECT {_COLUMNS} FROM jobs WHERE {where}", (value,)).fetchall())
        return _stored(rows[0]) if rows else None

    async def newest(self, status: str | None, limit: int) -> tuple[list[JobRecord], int]:
        """The newest records, and how many there are in all.

        Args:
            status: only jobs in this state, or None for all.
            limit: at most this many.
        """
        where, values = ("WHERE status = ?", [status]) if status else ("", [])

        def select() -> tuple[list[tuple[str]], int]:
            rows = self._db.execute(f"SELECT record FROM jobs {where} ORDER BY sequence DESC LIMIT ?", [*values, limit]).fetchall()
            total = self._db.execute(f"SELECT count(*) FROM jobs {where}", values).fetchone()[0]
            return rows, total

        rows, total = await self._run(select)
        return [JobRecord.model_validate_json(row[0]) for row in rows], total

    async def templates_dirs(self) -> list[Path]:
        """The folders that jobs publish or have published, whatever became of them."""
        sql = "SELECT DISTINCT json_extract(record, '$.templates_dir') FROM jobs"
        return [Path(row[0]) for row in await self._run(lambda: self._db.execute(sql).fetchall())]

    async def unfinished(self) -> list[StoredJob]:
        """Jobs that are in no final state, oldest first."""
        marks = ",".join("?" * len(TRANSITIONAL_STATES))
        sql = f"SELECT {_COLUMNS} FROM jobs WHERE status IN ({marks}) ORDER BY sequence"
        return [_stored(row) for row in await self._run(lambda: self._db.execute(sql, TRANSITIONAL_STATES).fetchall())]

    async def add_views(self, job_id: str, rendering_key: str, views: Iterable[tuple[int, dict[str, Any]]]) -> None:
        """Store that views of a job are rendered and their files written.

        Args:
            job_id: whose.
            rendering_key: of what was rendered; views of another key are worth nothing.
            views: index, and what the manifest will say of it.
        """
        rows = [(job_id, view, rendering_key, json.dumps(rendered)) for view, rendered in views]

        def work() -> None:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("INSERT OR REPLACE INTO views VALUES (?, ?, ?, ?)", rows)
                self._db.execute("UPDATE jobs SET resumed = 0 WHERE job_id = ? AND resumed > 0", (job_id,))

        await self._run(work)

    async def views(self, job_id: str, rendering_key: str) -> dict[int, dict[str, Any]]:
        """What was stored of a job's views, under this key, by index."""
        sql = "SELECT view, rendered FROM views WHERE job_id = ? AND rendering_key = ?"
        rows = await self._run(lambda: self._db.execute(sql, (job_id, rendering_key)).fetchall())
        return {view: json.loads(rendered) for view, rendered in rows}

    async def quarantine(self, cad_sha256: str, seconds: float, reason: str) -> None:
        """Refuse a CAD for a while."""
        row = (cad_sha256, time.time() + seconds, reason)
        await self._run(lambda: self._db.execute("INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?)", row).close())

    async def quarantined(self) -> dict[str, tuple[float, str]]:
        """Seconds left and reason of each quarantined CAD, by SHA-256; those whose time is over are forgotten."""

        def work() -> list[tuple[str, float, str]]:
            self._db.execute("DELETE FROM quarantine WHERE until <= ?", (time.time(),))
            return self._db.execute("SELECT cad_sha256, until, reason FROM quarantine").fetchall()

        return {sha256: (until - time.time(), reason) for sha256, until, reason in await self._run(work)}

    async def forget(self, older_than: float, keep: int, at_least: int = LEAST_KEPT) -> list[JobRecord]:
        """Remove ended jobs that are old or too many; unfinished ones stay whatever their age.

        Args:
            older_than: seconds since the epoch; jobs created before go.
            keep: so many of the newest ended jobs stay at most.
            at_least: so many stay whatever their age: the clock may have been wrong when they, or this, was dated.

        Returns:
            What was removed.
        """
        marks = ",".join("?" * len(FINAL_STATES))

        def work() -> list[tuple[int, str]]:
            rows = self._db.execute(f"SELECT sequence, record FROM jobs WHERE status IN ({marks}) ORDER BY sequence DESC", FINAL_STATES)
            created = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(older_than))
            old = [
                row for index, row in enumerate(rows) if index >= keep or (index >= at_least and json.loads(row[1])["created_at"] < created)
            ]
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("DELETE FROM jobs WHERE sequence = ?", [(sequence,) for sequence, _ in old])
            return old

        return [JobRecord.model_validate_json(record) for _, record in await self._run(work)]

    def close(self) -> None:
        """Close the database."""
        self._thread.submit(self._db.close).result()
        self._thread.shutdown()
        os.close(self._lock)


def _opened(path: Path) -> tuple[sqlite3.Connection, int]:
    """Open a store, made or brought up to date if need be, and count this server."""
    mark = path.with_name(path.name + _MARK)
    try:
        # Looked at before SQLite does: it would take an empty file for a new store, and remove the write-ahead log beside it.
        if mark.exists() and not (path.exists() and path.stat().st_size):
            raise sqlite3.DatabaseError("it is missing or empty, and there has been one")
        db = sqlite3.connect(path, isolation_level=None)
        findings = [row[0] for row in db.execute("PRAGMA quick_check(3)")]
        if findings != ["ok"]:
            raise sqlite3.DatabaseError("; ".join(findings))
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        known = {row[1] for row in db.execute("PRAGMA table_info(jobs)")}
        if known:
            for column in _ADDED_SINCE_1:
                if column.split()[0] not in known:
                    db.execute(f"ALTER TABLE jobs ADD COLUMN {column}")
            db.execute("CREATE UNIQUE INDEX IF NOT EXISTS jobs_by_key ON jobs (request_key)")
        db.executescript(_SCHEMA)
        db.execute(f"PRAGMA user_version={_VERSION}")
        epoch = db.execute("INSERT INTO servers (started) VALUES (?)", (time.time(),)).lastrowid or 0
        db.execute("DELETE FROM servers WHERE epoch < ?", (epoch,))
        if not mark.exists():
            _make_mark(mark)
    except (sqlite3.DatabaseError, OSError) as error:
        raise RuntimeError(
            f"the job store {path} is damaged or cannot be used ({error}). The server does not start, so that no job is lost silently: "
            f"restore the file from a copy, or move {path.name} and all {path.name}-* files away to begin with an empty store"
        ) from error
    return db, epoch


def _make_mark(path: Path) -> None:
    with path.open("w") as file:
        file.write(f"{DATABASE} beside this file holds jobs: without it the server does not start. To begin anew, move both away.\n")
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _locked(path: Path) -> int:
    """Lock a file for this process's life; the server before this one may still be on its way out."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + _LOCK_PATIENCE_SEC
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except OSError as error:
            if time.monotonic() > until:
                os.close(descriptor)
                raise RuntimeError(f"another server uses {path.parent}; stop it, or set RENDER_DATA_DIR to another folder") from error
            time.sleep(0.2)
