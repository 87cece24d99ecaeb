"""Changes that share a transaction: in order, each alone with its error, and on disk before anybody is told."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from serve_app.jobs.group_commit import GroupCommit


class Store:
    """A database on its thread, which waits until a test lets it go: what is submitted until then is one group."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.thread = ThreadPoolExecutor(1)
        self.db: sqlite3.Connection = self.thread.submit(self._open).result()
        self.commits = GroupCommit(self.db, self.thread)
        self.statements: list[str] = []
        self.db.set_trace_callback(self.statements.append)
        self._go = threading.Event()
        self.thread.submit(self._go.wait)

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=0.2)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE kept (value INTEGER PRIMARY KEY, text TEXT)")
        return db

    def adds(self, value: int, text: str = "") -> Callable[[], int]:
        """A change that adds a row and gives its value back."""
        return lambda: self.db.execute("INSERT INTO kept VALUES (?, ?) RETURNING value", (value, text)).fetchone()[0]

    def outcomes(self, *changes: Callable[[], Any]) -> list[Any]:
        """Make all of them, and what each gave or raised."""
        futures = [self.commits.submit(change) for change in changes]
        self._go.set()
        return [future.exception(20) or future.result() for future in futures]

    def on_disk(self) -> list[int]:
        """What another program reads."""
        with sqlite3.connect(self.path) as other:
            found = [row[0] for row in other.execute("SELECT value FROM kept ORDER BY rowid")]
        other.close()
        return found

    def transactions(self) -> int:
        return self.statements.count("COMMIT")

    def close(self) -> None:
        self._go.set()
        self.thread.submit(self.db.close).result()
        self.thread.shutdown()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "db")
    yield store
    store.close()


def test_changes_that_wait_share_a_transaction_and_keep_their_order(store: Store) -> None:
    seen: list[int] = []

    def notes(value: int) -> Callable[[], int]:
        add = store.adds(value)

        def change() -> int:
            seen.append(value)
            return add()

        return change

    values = list(range(50, 0, -1))
    assert store.outcomes(*map(notes, values)) == values
    assert seen == values and store.on_disk() == sorted(values) and store.transactions() == 1


def test_a_change_is_on_disk_when_its_result_is_there(store: Store) -> None:
    read: list[list[int]] = []
    futures = [store.commits.submit(store.adds(value)) for value in (1, 2, 3)]
    for future in futures:
        future.add_done_callback(lambda done: read.append(store.on_disk()))
    assert store.outcomes() == [] and [future.result(20) for future in futures] == [1, 2, 3]
    store.thread.submit(lambda: None).result(20)
    assert read == [[1, 2, 3]] * 3


@pytest.mark.parametrize("error", [ValueError("no row"), sqlite3.OperationalError("no such table")])
def test_a_change_that_fails_takes_no_other_with_it(store: Store, error: Exception) -> None:
    def half() -> None:
        store.adds(10)()
        raise error

    assert store.outcomes(store.adds(1), half, store.adds(2), store.adds(2), store.adds(3))[:3] == [1, error, 2]
    assert store.on_disk() == [1, 2, 3]


def test_when_the_transaction_is_lost_each_change_is_tried_alone(store: Store) -> None:
    """As on a full disk: what is small still fits, and what is not fails alone, whole."""

    def fill() -> None:
        store.adds(10)()
        store.db.execute("ROLLBACK")  # SQLite itself does so on some errors.
        raise sqlite3.OperationalError("database or disk is full")

    first, full, last = store.outcomes(store.adds(1), fill, store.adds(2))
    assert (first, last) == (1, 2) and isinstance(full, sqlite3.OperationalError) and store.on_disk() == [1, 2]


def test_a_disk_that_is_really_full_refuses_what_does_not_fit_and_nothing_else(store: Store) -> None:
    pages = store.thread.submit(store.db.execute, "PRAGMA page_count")
    store.thread.submit(lambda: store.db.execute(f"PRAGMA max_page_count={pages.result(20).fetchone()[0] + 2}").fetchone())
    small, large, again = store.outcomes(store.adds(1), store.adds(2, "x" * 1_000_000), store.adds(3))
    assert (small, again) == (1, 3) and isinstance(large, sqlite3.OperationalError) and "full" in str(large)
    assert store.on_disk() == [1, 3]


def test_when_no_commit_comes_through_every_change_fails_and_none_is_stored(store: Store) -> None:
    class Refusing:
        """A connection whose commits fail."""

        in_transaction = property(lambda self: store.db.in_transaction)

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql == "COMMIT":
                raise sqlite3.OperationalError("disk I/O error")
            return store.db.execute(sql, *values)

        def __enter__(self) -> None:
            return

        def __exit__(self, *raised: object) -> None:
            store.db.rollback()
            if raised[0] is None:
                raise sqlite3.OperationalError("disk I/O error")

    store.commits._db = Refusing()  # type: ignore[assignment]
    outcomes = store.outcomes(store.adds(1), store.adds(2))
    assert [str(outcome) for outcome in outcomes] == ["disk I/O error"] * 2 and store.on_disk() == []


def test_a_database_that_another_program_holds_keeps_all_of_a_group_waiting_once(store: Store) -> None:
    other = sqlite3.connect(store.path)
    other.execute("BEGIN IMMEDIATE")
    outcomes = store.outcomes(*map(store.adds, range(20)))
    assert {str(outcome) for outcome in outcomes} == {"database is locked"} and len(outcomes) == 20
    other.rollback()
    other.close()
    assert store.statements.count("BEGIN IMMEDIATE") <= 1 and store.outcomes(store.adds(1)) == [1] and store.on_disk() == [1]


def test_a_change_that_nobody_wants_any_more_is_not_made(store: Store) -> None:
    future: Future[int] = store.commits.submit(store.adds(1))
    assert future.cancel()
    assert store.outcomes(store.adds(2), store.adds(3)) == [2, 3] and store.on_disk() == [2, 3]
