"""The SQLite file of the job store: opened by one server at a time, checked, and brought up to date."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from serve_app.base.errors import UnusableStoreError
from serve_app.jobs.migrations import check_version, migrate

DATABASE = "jobs.sqlite3"

_MARK = "-made"
"""Ending of the file that says that there is a store: one that is gone or emptied later is not taken for a new one."""

LOCK_TIME_LIMIT_SEC = 10.0
"""How long to wait for the server before this one, which may still be on its way out."""

CHECK_TIME_LIMIT_SEC = 3.0
"""The same before a server is started at all: starting it takes longer than the end of the one before."""


def check_store(folder: Path) -> None:
    """Whether a server could start with a data folder: looked at before one is started.

    Args:
        folder: made if it is not there.

    Raises:
        UnusableStoreError: it could not.
        OSError: the folder cannot be made, or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = lock_folder(folder, CHECK_TIME_LIMIT_SEC)
    try:
        path = folder / DATABASE
        if path.exists() or _mark_of(path).exists():
            with _what_to_do(path):
                _checked(path).close()
    finally:
        os.close(lock)


def open_database(path: Path) -> tuple[sqlite3.Connection, int]:
    """Open a store, made or brought up to date if need be, and count this server.

    Args:
        path: of the database file; only one server may use its folder (``lock_folder``).

    Returns:
        The connection, and the number of this server among those that have used the store.

    Raises:
        UnusableStoreError: the store is damaged, cannot be used, or is of a newer version.
    """
    with _what_to_do(path):
        db = _checked(path)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        migrate(db, path)
        epoch = db.execute("INSERT INTO servers (started) VALUES (?)", (time.time(),)).lastrowid or 0
        db.execute("DELETE FROM servers WHERE epoch < ?", (epoch,))
        if not _mark_of(path).exists():
            _make_mark(_mark_of(path))
    return db, epoch


@contextlib.contextmanager
def _what_to_do(path: Path) -> Iterator[None]:
    """Say what to do about a store that cannot be used."""
    try:
        yield
    except (sqlite3.DatabaseError, OSError, ValueError, KeyError, TypeError) as error:  # The latter of rows that are no jobs.
        raise UnusableStoreError(
            f"the job store {path} is damaged or cannot be used ({error}). The server does not start, so that no job is lost silently: "
            f"restore the file from a copy, or move {path.name} and all {path.name}-* files away to begin with an empty store"
        ) from error


def _checked(path: Path) -> sqlite3.Connection:
    # Looked at before SQLite does: it would take an empty file for a new store, and remove the write-ahead log beside it.
    if _mark_of(path).exists() and not (path.exists() and path.stat().st_size):
        raise sqlite3.DatabaseError("it is missing or empty, and there has been one")
    db = sqlite3.connect(path, isolation_level=None)
    try:
        findings = [row[0] for row in db.execute("PRAGMA quick_check(3)")]
        if findings != ["ok"]:
            raise sqlite3.DatabaseError("; ".join(findings))
        check_version(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _mark_of(path: Path) -> Path:
    return path.with_name(path.name + _MARK)


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


def lock_folder(folder: Path, time_limit_sec: float = LOCK_TIME_LIMIT_SEC) -> int:
    """Lock a data folder for this process's life.

    Args:
        folder: which.
        time_limit_sec: how long to wait for another server's end.

    Returns:
        A file descriptor; closing it gives the folder free.

    Raises:
        UnusableStoreError: another server uses it.
    """
    descriptor = os.open(folder / "server.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + time_limit_sec
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except OSError as error:
            if time.monotonic() > until:
                os.close(descriptor)
                raise UnusableStoreError(f"another server uses {folder}; stop it, or set RENDER_DATA_DIR to another folder") from error
            time.sleep(0.2)
