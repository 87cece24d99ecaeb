"""Keeps every accepted job on disk: a job's record is stored before its id is answered."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from serve_app.errors import ServiceError
from serve_app.job import failed_record
from serve_app.responses import JobRecord

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, sequence);
"""
_LOCK_PATIENCE_SEC = 10.0
_UNFINISHED = ("queued", "running")


class JobStore:
    """Job records in SQLite, in the order they were accepted.

    One thread owns the connection, so the event loop never waits for the disk.

    Args:
        folder: ``RENDER_DATA_DIR``; made if it is not there. One server at a time may use it.

    Raises:
        RuntimeError: another server uses the folder.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(folder / "server.lock")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="job-store")
        self._db: sqlite3.Connection = self._thread.submit(self._open, folder / "jobs.sqlite3").result()

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.executescript(_SCHEMA)
        return db

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def put(self, record: JobRecord) -> None:
        """Store a record, new or changed; on disk when this returns."""
        row = (record.job_id, record.status, record.model_dump_json())
        statement = (
            "INSERT INTO jobs (job_id, status, record) VALUES (?, ?, ?) "
            "ON CONFLICT (job_id) DO UPDATE SET status = excluded.status, record = excluded.record"
        )
        await self._run(lambda: self._db.execute(statement, row).close())

    async def get(self, job_id: str) -> JobRecord | None:
        """The record of a job, or None."""
        rows = await self._run(lambda: self._db.execute("SELECT record FROM jobs WHERE job_id = ?", (job_id,)).fetchall())
        return JobRecord.model_validate_json(rows[0][0]) if rows else None

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

    async def fail_unfinished(self, error: ServiceError) -> list[JobRecord]:
        """Mark every job that an earlier server left unfinished as failed; returns their records."""
        marks = ",".join("?" * len(_UNFINISHED))
        rows = await self._run(lambda: self._db.execute(f"SELECT record FROM jobs WHERE status IN ({marks})", _UNFINISHED).fetchall())
        records = [failed_record(JobRecord.model_validate_json(row[0]), error) for row in rows]
        for record in records:
            await self.put(record)
        return records

    def close(self) -> None:
        """Close the database."""
        self._thread.submit(self._db.close).result()
        self._thread.shutdown()
        os.close(self._lock)


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
