"""Keeps every accepted job on disk: a job's record is stored before its id is answered."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from serve_app.base.errors import ServiceError
from serve_app.jobs.database import DATABASE, lock_folder, open_database
from serve_app.jobs.group_commit import GroupCommit
from serve_app.jobs.pages import JobPage, JobQuery, select_page
from serve_app.jobs.record import JobRecord
from serve_app.jobs.rows import COLUMNS, record_from, row_of
from serve_app.jobs.states import FINAL_STATES, OPEN_STATES
from serve_app.jobs.webhook_rows import insert_webhook, make_due

T = TypeVar("T")

MIN_KEPT = 1000
"""Newest ended jobs that are kept whatever their age."""


class JobStore:
    """Jobs, the views that are done of those that have not ended, and quarantined CADs, in SQLite.

    One thread owns the connection, so the event loop never waits for the disk, and there is one writer. Every method but the
    constructor and ``close`` raises ``ServiceError`` with ``store_unavailable`` when the disk is full, read only or broken.

    Args:
        folder: ``RENDER_DATA_DIR``; made if it is not there. One server at a time may use it.

    Attributes:
        epoch: number of this server among those that have used the store.

    Raises:
        UnusableStoreError: another server uses the folder, or the store is damaged or of a newer version.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = lock_folder(folder)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="job-store")
        try:
            self._db, self.epoch = self._thread.submit(open_database, folder / DATABASE).result()
        except BaseException:
            os.close(self._lock)
            raise
        self._commits = GroupCommit(self._db, self._thread)

    async def _run(self, work: Callable[[], T]) -> T:
        """Do some work with the database on its thread."""
        return await self._result(self._thread.submit(work))

    async def _write(self, work: Callable[[], T]) -> T:
        """Do some work in a transaction, which other work may share; on disk when this returns, and nothing of it is when it raises."""
        return await self._result(self._commits.submit(work))

    async def _result(self, future: Future[T]) -> T:
        try:
            # Shielded: a caller that is cancelled must not leave a statement half awaited.
            return await asyncio.shield(asyncio.wrap_future(future))
        except sqlite3.DatabaseError as error:
            raise ServiceError(
                "store_unavailable", f"the job store cannot be used at the moment ({error}); the operator must see to RENDER_DATA_DIR"
            ) from error

    async def look(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Have a table looked at that is not one of the jobs."""
        return await self._run(lambda: work(self._db))

    async def change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Have a table changed that is not one of the jobs; on disk when this returns. ``work`` may be called twice."""
        return await self._write(lambda: work(self._db))

    async def insert(self, record: JobRecord, request_key: str | None = None, callback_url: str | None = None) -> JobRecord | None:
        """Store a new job; on disk when this returns.

        Args:
            record: the job.
            request_key: a key that the client chose, which no other job may have; None for none.
            callback_url: that is told of its end; None for none.

        Returns:
            None, or the job that already has this id or key; nothing was stored then.
        """

        def work() -> JobRecord | None:
            where, values = "job_id = ? OR (request_key IS NOT NULL AND request_key = ?)", (record.job_id, request_key)
            found = self._db.execute(f"SELECT {COLUMNS} FROM jobs WHERE {where}", values).fetchone()
            if found:
                return record_from(found)
            row = row_of(record) | {"request_key": request_key}
            self._db.execute(f"INSERT INTO jobs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
            if callback_url is not None:
                insert_webhook(self._db, record.job_id, callback_url)
            return None

        return await self._write(work)

    async def update(self, record: JobRecord) -> None:
        """Store a changed job; on disk when this returns. With its end, what is known of its views goes, and its webhook is due."""

        def work() -> None:
            row = row_of(record)
            changes = ", ".join(f"{column} = ?" for column in row)
            self._db.execute(f"UPDATE jobs SET {changes} WHERE job_id = ?", (*row.values(), record.job_id))
            if record.status in FINAL_STATES:
                make_due(self._db, record.job_id, record.ended_at or time.time())
                self._db.execute("DELETE FROM views WHERE job_id = ?", (record.job_id,))
                self._db.execute("UPDATE jobs SET staging = NULL WHERE job_id = ?", (record.job_id,))

        await self._write(work)

    async def count_restart(self, job_id: str) -> None:
        """Put a job that ran when its server ended back into the queue, and count that server."""
        sql = "UPDATE jobs SET status = 'queued', restarts_without_view = restarts_without_view + 1 WHERE job_id = ?"
        await self._write(lambda: self._db.execute(sql, (job_id,)).close())

    async def get(self, job_id: str) -> JobRecord | None:
        """A job by its id, or None."""
        return await self._one("job_id = ?", job_id)

    async def by_key(self, request_key: str) -> JobRecord | None:
        """A job by the key that its client chose, or None."""
        return await self._one("request_key = ?", request_key)

    async def _one(self, where: str, value: str) -> JobRecord | None:
        row = await self._run(lambda: self._db.execute(f"SELECT {COLUMNS} FROM jobs WHERE {where}", (value,)).fetchone())
        return record_from(row) if row else None

    async def page(self, query: JobQuery) -> JobPage:
        """A page of the list of jobs, newest first; ``job_not_found`` when there is no job that it is to come before."""
        return await self._run(lambda: select_page(self._db, query))

    async def templates_dirs(self) -> list[Path]:
        """The folders that jobs publish or have published, whatever became of them."""
        return [Path(row[0]) for row in await self._run(lambda: self._db.execute("SELECT DISTINCT templates_dir FROM jobs").fetchall())]

    async def unfinished(self) -> list[JobRecord]:
        """Jobs that are in no final state, oldest first."""
        sql = f"SELECT {COLUMNS} FROM jobs WHERE status IN ({_marks(OPEN_STATES)}) ORDER BY sequence"
        return [record_from(row) for row in await self._run(lambda: self._db.execute(sql, OPEN_STATES).fetchall())]

    async def add_views(self, job_id: str, rendering_key: str, views: Iterable[tuple[int, dict[str, Any]]], staging: str) -> None:
        """Store that views of a job are rendered and their files written.

        Args:
            job_id: whose.
            rendering_key: of what was rendered; views of another key are worth nothing.
            views: index, and what the manifest will say of it.
            staging: says in which folder the files lie; see ``staging``.
        """
        rows = [(job_id, view, rendering_key, json.dumps(rendered)) for view, rendered in views]

        def work() -> None:
            self._db.executemany("INSERT OR REPLACE INTO views VALUES (?, ?, ?, ?)", rows)
            self._db.execute("UPDATE jobs SET restarts_without_view = 0, staging = ? WHERE job_id = ?", (staging, job_id))

        await self._write(work)

    async def staging(self, job_id: str) -> str | None:
        """What was stored of the folder that an unfinished job's files lie in, or None."""
        row = await self._run(lambda: self._db.execute("SELECT staging FROM jobs WHERE job_id = ?", (job_id,)).fetchone())
        return row[0] if row else None

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

    async def forget(self, older_than: float, keep: int, at_least: int = MIN_KEPT) -> list[str]:
        """Remove ended jobs that are old or too many; unfinished ones stay whatever their age.

        Args:
            older_than: Unix seconds; jobs created before go.
            keep: so many of the newest ended jobs stay at most.
            at_least: so many stay whatever their age: the clock may have been wrong when they, or this, was dated.

        Returns:
            The ids of what was removed.
        """
        # `newer` counts the ended jobs that came after a job.
        sql = f"""
            DELETE FROM jobs WHERE sequence IN (
                SELECT sequence FROM (
                    SELECT sequence, created_at, row_number() OVER (ORDER BY sequence DESC) - 1 AS newer
                    FROM jobs WHERE status IN ({_marks(FINAL_STATES)})
                ) WHERE newer >= ? OR (newer >= ? AND created_at < ?)
            ) RETURNING job_id
        """
        rows = await self._write(lambda: self._db.execute(sql, (*FINAL_STATES, keep, at_least, older_than)).fetchall())
        return [job_id for (job_id,) in rows]

    def close(self) -> None:
        """Close the database and give the folder free."""
        self._thread.submit(self._db.close).result()
        self._thread.shutdown()
        os.close(self._lock)


def _marks(values: tuple[str, ...]) -> str:
    return ",".join("?" * len(values))
