"""Lets changes of the job store that wait at the same time share one transaction, and with it one wait for the disk."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

MAX_GROUP = 200
"""Changes in one transaction; what more of them wait is the next one's."""


@dataclass(frozen=True)
class _Outcome:
    """What became of a change: its result, or the error that left the database without it."""

    result: Any = None
    error: BaseException | None = None


class GroupCommit:
    """Makes changes in the order in which they come, those that wait together in one transaction.

    Nobody waits for a group to fill: while one is written to disk, the next one gathers. Where a change fails, or the whole transaction
    does, nothing of the group is stored and each change is made again, alone: only those fail for which there is, say, no room.

    Args:
        db: in autocommit mode; used on ``thread`` alone.
        thread: a single one.
    """

    def __init__(self, db: sqlite3.Connection, thread: Executor) -> None:
        self._db, self._thread = db, thread
        self._waiting: deque[tuple[Callable[[], Any], Future[Any]]] = deque()

    def submit(self, change: Callable[[], T]) -> Future[T]:
        """Have a change made.

        Args:
            change: uses the database; it may be called twice, the first time being undone.

        Returns:
            Its result, once it is on disk; or its error, and then nothing of it is.
        """
        future: Future[T] = Future()
        self._waiting.append((change, future))
        self._thread.submit(self._commit_waiting)  # One for each: the first finds all that wait, the others often none.
        return future

    def _commit_waiting(self) -> None:
        group = [self._waiting.popleft() for _ in range(min(MAX_GROUP, len(self._waiting)))]
        group = [(change, future) for change, future in group if future.set_running_or_notify_cancel()]
        changes = [change for change, _ in group]
        outcomes = self._together(changes) if len(changes) > 1 else None
        for (_, future), outcome in zip(group, outcomes or map(self._alone, changes), strict=True):
            if outcome.error is None:
                future.set_result(outcome.result)
            else:
                future.set_exception(outcome.error)

    def _together(self, changes: list[Callable[[], Any]]) -> list[_Outcome] | None:
        """Make the changes in one transaction; None when nothing of it is stored, and it may be the fault of some of them."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:  # Nobody's fault: another program holds the database, and would keep each of them waiting.
            return [_Outcome(error=error) for _ in changes]
        try:
            # No savepoints: each costs two more statements, and each statement a wait for Python's lock. Errors are rare.
            outcomes = [_Outcome(change()) for change in changes]
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # On some errors SQLite has ended it itself.
                with suppress(sqlite3.Error):  # Whoever waits is answered whatever becomes of this.
                    self._db.execute("ROLLBACK")
            return None
        return outcomes

    def _alone(self, change: Callable[[], Any]) -> _Outcome:
        try:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                return _Outcome(change())
        except BaseException as error:
            return _Outcome(error=error)
