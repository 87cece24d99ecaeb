"""Hands over what a Serve replica has counted to Ray, whose agent on each node shows it to Prometheus."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ray.serve import metrics as ray_metrics

from render_actor.metrics.instruments import Counter, Gauge, Histogram, Instrument, Labels

logger = logging.getLogger("ray.serve")

HAND_OVER_SEC = 2.0
"""Ray itself tells its agent each 10 s (``RAY_metrics_report_interval_ms``)."""

HANDED_OVER = Gauge("render_metrics_time_seconds", "When this process last handed its metrics over to Ray, in Unix seconds.")
"""Handed over last: whatever was counted before this moment is in a scrape that has it."""


class RayExport:
    """The instruments of one replica, as Ray's; Ray adds ``deployment`` and ``replica`` to the labels.

    Make it in the replica: elsewhere Ray does not know which one it is.

    Args:
        instruments: all that are exported.
    """

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._pairs = [(instrument, _ray_metric(instrument)) for instrument in (*instruments, HANDED_OVER)]

    def hand_over(self) -> None:
        """Tell Ray all that was counted since the last time."""
        HANDED_OVER.set(time.time())
        for instrument, metric in self._pairs:
            if isinstance(instrument, Counter):
                for labels, amount in instrument.take().items():
                    # `inc` refuses 0, which a counter has to begin with.
                    metric._record(amount, _tags(instrument, labels))
            elif isinstance(instrument, Gauge):
                for labels, value in instrument.values().items():
                    metric.set(value, _tags(instrument, labels))
            elif isinstance(instrument, Histogram):
                for labels, value in instrument.take():
                    metric.observe(value, _tags(instrument, labels))


def _ray_metric(instrument: Instrument) -> Any:
    described = {"description": instrument.meaning, "tag_keys": instrument.labels}
    if isinstance(instrument, Histogram):
        return ray_metrics.Histogram(instrument.name, boundaries=list(instrument.bounds), **described)
    return {"counter": ray_metrics.Counter, "gauge": ray_metrics.Gauge}[instrument.kind](instrument.name, **described)


def _tags(instrument: Instrument, labels: Labels) -> dict[str, str]:
    return dict(zip(instrument.labels, labels, strict=True))


async def export_forever(
    instruments: Sequence[Instrument], read: Callable[[], Awaitable[None]], interval_sec: float = HAND_OVER_SEC
) -> None:
    """Hand a replica's metrics over again and again; endless.

    A fault of the metrics costs no view: it is logged, once for each that follows a round that went well.

    Args:
        instruments: of this process.
        read: sets the gauges.
        interval_sec: between two rounds.
    """
    export, failing = RayExport(instruments), False
    while True:
        try:
            await read()
            export.hand_over()
            failing = False
        except Exception as error:
            if not failing:
                logger.error("metrics could not be handed over to Ray: %r", error)
            failing = True
        await asyncio.sleep(interval_sec)
