"""Decides which work gives the next views to a renderer, and how many: shares are equal by the time that renderers spend."""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from serve_app.rendering.time_account import TimeAccount, Turn
from serve_app.rendering.view_work import ViewWork

BATCH_SECONDS = 2.0
"""Views are batched up to about this much work: a hand-over costs tens of ms of CPU, and a new job waits that long at most."""

SHARED_BATCH_SECONDS = 1.0
"""The same while others want the renderers, too: what waits before these delays whoever's turn is next."""

SPREAD_SECONDS = 0.4
"""Less work than this is not divided further, when the last views of several works are spread over all renderers."""

HANDOVER_SECONDS = 0.1
"""Less work than this is not spread over renderers: to hand it to another one takes about as long."""

FIRST_VIEW_SECONDS = 0.25
"""While the views of late were quick, a work's first view is awaited for so long before a second one goes out by itself, too."""

MAX_VIEWS_A_BATCH = 32
"""What a lost renderer may cost."""

INTERACTIVE_OF_FOUR = 3
"""While both kinds of work wait, so many of four seconds go to interactive work: other work is slowed, never starved."""


@dataclass(eq=False)
class _Group:
    """Works that share one share, in order.

    Attributes:
        account: of the group.
    """

    works: deque[ViewWork] = field(default_factory=deque)
    account: TimeAccount = field(default_factory=TimeAccount)


@dataclass(frozen=True, eq=False)
class BatchTurn:
    """The turn of a work.

    Attributes:
        work: whose turn it is.
        count: how many of its pending views make the batch.
        turn: what it costs.
        accounts: who pays.
    """

    work: ViewWork
    count: int
    turn: Turn
    accounts: tuple[TimeAccount, ...]


class FairQueue:
    """The works that have views to render.

    The next batch goes to the kind of work, and in it to the group, that has used least renderer time; within a group works go in order.
    One that comes, or that wanted nothing for a while, starts where the least of the others stands.

    Nobody knows how long a batch takes before it has ended. So a work whose views are not known to be quick has no batch in the queue
    before the renderers, and while other groups want a renderer, its group has no more renderers than an equal share of them.

    Args:
        in_flight: batches that are out at once; a work's last views are spread over so many.
        queued: how many of them wait before the renderers.
        clock: seconds, never going back.
        more_to_come: whether other works are about to follow, so that renderers will not be idle when those that are here end.
    """

    def __init__(
        self,
        in_flight: int,
        queued: int = 0,
        clock: Callable[[], float] = time.monotonic,
        more_to_come: Callable[[], bool] = lambda: False,
    ) -> None:
        self._in_flight, self._renderers, self._clock = in_flight, max(1, in_flight - queued), clock
        self._more_to_come = more_to_come
        self._groups: OrderedDict[tuple[bool, str], _Group] = OrderedDict()
        self._quick_of_late = False
        self._kinds = {True: TimeAccount(INTERACTIVE_OF_FOUR), False: TimeAccount(4 - INTERACTIVE_OF_FOUR)}

    def add(self, work: ViewWork) -> None:
        """Put a work at the end of its group; ``interactive`` and ``group`` must not change while it is here."""
        key = (work.interactive, work.group)
        if key not in self._groups:
            now = self._clock()
            least = min((group.account.used(now) for kind, group in self._of_kind(work.interactive)), default=0.0)
            self._groups[key] = _Group(account=TimeAccount(settled=least))
        self._groups[key].works.append(work)

    def remove(self, work: ViewWork) -> None:
        """Take a work out."""
        key = (work.interactive, work.group)
        self._groups[key].works.remove(work)
        if not self._groups[key].works:
            del self._groups[key]

    def next(self) -> BatchTurn | None:
        """Whose turn it is; None when no work wants a renderer, or may have one.

        The turn counts as used: the caller starts the views, and calls ``ended`` when they have ended, in whatever way.
        """
        now = self._clock()
        wanting = {key: work for key, group in self._groups.items() if (work := _first_wanting(group)) is not None}
        for interactive in sorted({key[0] for key in wanting}, key=lambda kind: (self._kinds[kind].used(now, BATCH_SECONDS), not kind)):
            keys = [key for key in wanting if key[0] == interactive and self._may_have_one(key, wanting, now)]
            if keys:
                self._forget_what_was_not_wanted(wanting, now)
                key = min(keys, key=lambda key: self._groups[key].account.used(now))
                return self._turn(key, wanting, now)
        return None

    def ended(self, batch: BatchTurn, seconds: float | None = None) -> None:
        """A batch has ended.

        Args:
            batch: that ``next`` gave out.
            seconds: that a renderer spent on it; None where nobody knows: then the time since it was handed out.
        """
        spent = self._clock() - batch.turn.began if seconds is None else seconds
        if seconds is not None:
            self._quick_of_late = seconds / batch.count <= HANDOVER_SECONDS
        for account in batch.accounts:
            account.settle(batch.turn, spent)

    def _turn(self, key: tuple[bool, str], wanting: dict[tuple[bool, str], ViewWork], now: float) -> BatchTurn:
        work = wanting[key]
        self._groups.move_to_end(key)
        count = self._batch_size(work, wanting, self._sharers(wanting))
        turn = Turn(now, BATCH_SECONDS if work.seconds_a_view is None else work.seconds_a_view * count)
        accounts = (self._groups[key].account, self._kinds[key[0]])
        for account in accounts:
            account.out.add(turn)
        return BatchTurn(work, count, turn, accounts)

    def _may_have_one(self, key: tuple[bool, str], wanting: dict[tuple[bool, str], ViewWork], now: float) -> bool:
        """Whether the batches that the group has out leave others their share."""
        work, out = wanting[key], self._groups[key].account.out
        if _is_quick(work):
            return True
        if work.seconds_a_view is None and out:  # What its first view tells, it may soon know.
            if any(map(_is_quick, wanting.values())):
                return False  # Meanwhile others hand out larger batches.
            if self._quick_of_late and work.progress.rendering and now < min(turn.began for turn in out) + FIRST_VIEW_SECONDS:
                return False
        return len(out) < math.ceil(self._renderers / self._sharers(wanting))

    def _sharers(self, wanting: dict[tuple[bool, str], ViewWork]) -> int:
        """How many groups have renderers, or want one."""
        return sum(bool(other in wanting or group.account.out) for other, group in self._groups.items())

    def _forget_what_was_not_wanted(self, wanting: dict[tuple[bool, str], ViewWork], now: float) -> None:
        for interactive, kind in self._kinds.items():
            if not any(key[0] == interactive for key in wanting):
                kind.lift(self._kinds[not interactive].used(now), now)
            of_kind = [group.account for key, group in self._of_kind(interactive) if key in wanting]
            least = min((account.used(now) for account in of_kind), default=0.0)
            for key, group in self._of_kind(interactive):
                if key not in wanting:
                    group.account.lift(least, now)

    def _spread(self, wanting: Mapping[Any, ViewWork]) -> int:
        """Views of each batch, were all that wait spread over the batches that are out at once."""
        return math.ceil(sum(work.progress.pending for work in wanting.values()) / self._in_flight)

    def _of_kind(self, interactive: bool) -> list[tuple[tuple[bool, str], _Group]]:
        return [(key, group) for key, group in self._groups.items() if key[0] == interactive]

    def _batch_size(self, work: ViewWork, wanting: Mapping[Any, ViewWork], sharers: int) -> int:
        first, pending = work.progress.next_pending, work.progress.pending
        if work.seconds_a_view is None or first is None or work.retries.goes_alone(first):
            return 1
        seconds = max(work.seconds_a_view, 1e-3)
        by_time = max(1, round((BATCH_SECONDS if sharers == 1 else SHARED_BATCH_SECONDS) / seconds))
        if sharers > 1:  # Its part of the renderers get as much each. They need not be done together: others wait for whoever is first.
            by_share = math.ceil((pending + work.progress.rendering) / max(1, self._in_flight // sharers))
            if not self._more_to_come():  # In the end they should be.
                by_share = min(by_share, max(self._spread(wanting), math.floor(SPREAD_SECONDS / seconds)))
        else:
            by_share = math.ceil(pending / self._in_flight)
        return min(by_time, max(by_share, math.floor(HANDOVER_SECONDS / seconds)), MAX_VIEWS_A_BATCH, pending)


def _first_wanting(group: _Group) -> ViewWork | None:
    return next((work for work in group.works if work.wants_renderer), None)


def _is_quick(work: ViewWork) -> bool:
    return work.seconds_a_view is not None and work.seconds_a_view <= BATCH_SECONDS
