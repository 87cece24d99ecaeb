"""Counters, gauges and histograms that cost no more than a dictionary where something happens.

A call of Ray's own metrics takes 2 to 4 microseconds, a count here less than a tenth of one: so a process counts here, and
``render_actor.metrics.export`` hands the sums to Ray at an interval. As with loggers, an instrument belongs to its module, and there is
one of each name in a process. All of it is for one thread, that of the event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Labels = tuple[str, ...]
"""Values in the order of the instrument's label names."""


class Instrument:
    """What all kinds have in common.

    Args:
        name: without what Ray adds to it: ``ray_`` before all, ``_total`` behind a counter's.
        meaning: one sentence.
        labels: names of its labels.

    Attributes:
        kind: as Prometheus calls it.
    """

    kind: Literal["counter", "gauge", "histogram"]

    def __init__(self, name: str, meaning: str, labels: Labels = ()) -> None:
        self.name, self.meaning, self.labels = name, meaning, labels

    @property
    def scraped_name(self) -> str:
        """Its name in Prometheus."""
        return f"ray_{self.name}_total" if self.kind == "counter" else f"ray_{self.name}"

    def _checked(self, labels: Labels) -> Labels:
        if len(labels) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}, not {len(labels)} of them")
        return labels


class Counter(Instrument):
    """A sum that only grows.

    Args:
        name: see ``Instrument``.
        meaning: see ``Instrument``.
        labels: see ``Instrument``.
        begin_with: label values that are exported from the start, with 0: Prometheus cannot tell the first count from a counter that it
            has not seen before.
    """

    kind = "counter"

    def __init__(self, name: str, meaning: str, labels: Labels = (), begin_with: Sequence[Labels] = ((),)) -> None:
        super().__init__(name, meaning, labels)
        self._sums: dict[Labels, float] = {self._checked(values): 0.0 for values in begin_with if labels or not values}

    def add(self, amount: float = 1.0, *labels: str) -> None:
        """Count.

        Args:
            amount: at least 0.
            labels: a value for each label.
        """
        self._sums[labels] = self._sums.get(labels, 0.0) + amount

    def take(self) -> dict[Labels, float]:
        """What was counted since this was called last; at first the beginning zeros, too."""
        taken, self._sums = self._sums, {}
        return taken


class Gauge(Instrument):
    """A value of this moment."""

    kind = "gauge"

    def __init__(self, name: str, meaning: str, labels: Labels = ()) -> None:
        super().__init__(name, meaning, labels)
        self._values: dict[Labels, float] = {}

    def set(self, value: float | None, *labels: str) -> None:
        """Say what the value is.

        Args:
            value: None where it is not known.
            labels: a value for each label.
        """
        if value is None:
            self._values.pop(labels, None)
        else:
            self._values[labels] = value

    def values(self) -> dict[Labels, float]:
        """All values that are known."""
        return self._values


class Histogram(Instrument):
    """How often values lie between some bounds.

    Args:
        name: see ``Instrument``.
        meaning: see ``Instrument``.
        bounds: above 0, ascending.
        labels: see ``Instrument``.
    """

    kind = "histogram"

    def __init__(self, name: str, meaning: str, bounds: Sequence[float], labels: Labels = ()) -> None:
        super().__init__(name, meaning, labels)
        self.bounds = tuple(bounds)
        self._observed: list[tuple[Labels, float]] = []

    def observe(self, value: float, *labels: str) -> None:
        """Take a value in.

        Args:
            value: in the unit of the bounds.
            labels: a value for each label.
        """
        self._observed.append((labels, value))

    def take(self) -> list[tuple[Labels, float]]:
        """What was observed since this was called last."""
        taken, self._observed = self._observed, []
        return taken


__all__ = ["Counter", "Gauge", "Histogram", "Instrument", "Labels"]
