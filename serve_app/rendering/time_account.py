"""Renderer time that a sharer of the renderers has used."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(eq=False)
class Turn:
    """One use of a renderer, from its hand-out to its end.

    Attributes:
        began: when it was handed out, on the queue's clock.
        expected: seconds that it is expected to take.
    """

    began: float
    expected: float

    def used(self, now: float) -> float:
        """Seconds that count so far: what is expected, and more where it takes longer."""
        return max(self.expected, now - self.began)


@dataclass(eq=False)
class TimeAccount:
    """Seconds used by turns that have ended, and the turns that have not.

    Attributes:
        weight: of one's share.
        settled: seconds of the turns that have ended.
        out: the others.
    """

    weight: float = 1.0
    settled: float = 0.0
    out: set[Turn] = field(default_factory=set)

    def used(self, now: float, more: float = 0.0) -> float:
        """Virtual time: seconds used, and ``more`` to come, by weight."""
        return (self.settled + sum(turn.used(now) for turn in self.out) + more) / self.weight

    def settle(self, turn: Turn, seconds: float) -> None:
        """A turn has ended after so many seconds."""
        if turn in self.out:
            self.out.remove(turn)
            self.settled += seconds

    def lift(self, least: float, now: float) -> None:
        """Set the virtual time to ``least`` if it is below: time that one did not ask for is not saved up."""
        self.settled += max(0.0, least - self.used(now)) * self.weight
