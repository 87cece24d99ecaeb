"""Decides which work gives the next views to a renderer, and how many."""

from __future__ import annotations

import math
from collections import OrderedDict, deque

from serve_app.rendering.view_work import ViewWork

BATCH_SECONDS = 2.0
"""Views are batched up to about this much work: a hand-over costs tens of ms of CPU, and a new job waits that long at most."""

MAX_VIEWS_A_BATCH = 8

INTERACTIVE_OF_FOUR = 3
"""Of four batches while both kinds of work wait, so many go to interactive work: other work is slowed, never starved."""


class FairQueue:
    """The works that have views to render: interactive work first, round robin over the groups, in order within a group.

    Args:
        in_flight: batches that are out at once; a work's last views are spread over so many.
    """

    def __init__(self, in_flight: int) -> None:
        self._in_flight = in_flight
        self._groups: OrderedDict[tuple[bool, str], deque[ViewWork]] = OrderedDict()
        self._interactive_in_a_row = 0

    def add(self, work: ViewWork) -> None:
        """Put a work at the end of its group; ``interactive`` and ``group`` must not change while it is here."""
        self._groups.setdefault((work.interactive, work.group), deque()).append(work)

    def remove(self, work: ViewWork) -> None:
        """Take a work out."""
        key = (work.interactive, work.group)
        self._groups[key].remove(work)
        if not self._groups[key]:
            del self._groups[key]

    def next(self) -> tuple[ViewWork, int] | None:
        """The work whose turn it is, and how many of its pending views make a batch; None when no work wants a renderer.

        The turn counts as used: the caller starts the views.
        """
        for interactive in (True, False) if self._interactive_in_a_row < INTERACTIVE_OF_FOUR else (False, True):
            for key, works in self._groups.items():
                if key[0] != interactive:
                    continue
                work = next((work for work in works if work.wants_renderer), None)
                if work is not None:
                    self._groups.move_to_end(key)
                    self._interactive_in_a_row = self._interactive_in_a_row + 1 if interactive else 0
                    return work, self._batch_size(work)
        return None

    def _batch_size(self, work: ViewWork) -> int:
        first = work.progress.next_pending
        if work.seconds_a_view is None or first is None or work.retries.goes_alone(first):
            return 1
        by_time = max(1, round(BATCH_SECONDS / max(work.seconds_a_view, 1e-3)))
        by_share = math.ceil(work.progress.pending / self._in_flight)
        return min(by_time, by_share, MAX_VIEWS_A_BATCH, work.progress.pending)
