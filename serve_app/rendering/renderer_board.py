"""What each renderer has last told of itself."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from render_actor.contract.types import RendererStatus

LOST_SEC = 12.0
"""A renderer tells its state every three seconds; one that is silent for so long is lost, or its node is, or the way to it."""

_TOLD_A_SECOND = 25
"""By all renderers together: each time costs the service a millisecond."""

_SHORTEST_PAUSE_SEC, _LONGEST_PAUSE_SEC = 0.25, 3.0

FORGET_SEC = 300.0
"""A lost renderer is named for so long; one that was only cut off tells its state again."""


class RendererBoard:
    """All renderers by what they told.

    Args:
        lost_sec: see ``LOST_SEC``.
        forget_sec: see ``FORGET_SEC``.
        clock: gives seconds.
    """

    def __init__(self, lost_sec: float = LOST_SEC, forget_sec: float = FORGET_SEC, clock: Callable[[], float] = time.monotonic) -> None:
        self._lost_sec, self._forget_sec, self._clock = lost_sec, forget_sec, clock
        self._told: dict[str, tuple[float, RendererStatus]] = {}

    def told(self, status: RendererStatus) -> float:
        """A renderer has told its state.

        Returns:
            Seconds within which it should tell further changes in one, so that many renderers do not take the service's time.
        """
        if status.state == "stopped":
            self._told.pop(status.renderer, None)
        else:
            self._told[status.renderer] = (self._clock(), status)
        return min(max(_SHORTEST_PAUSE_SEC, len(self._told) / _TOLD_A_SECOND), _LONGEST_PAUSE_SEC)

    def statuses(self) -> list[RendererStatus]:
        """Every renderer that there is, and those that were lost a short while ago."""
        now = self._clock()
        self._told = {name: entry for name, entry in self._told.items() if now - entry[0] < self._forget_sec}
        return [self._seen(status, now - at) for at, status in self._told.values()]

    def _seen(self, status: RendererStatus, silent_sec: float) -> RendererStatus:
        return dataclasses.replace(status, state="lost", memory_bytes=None) if silent_sec >= self._lost_sec else status
