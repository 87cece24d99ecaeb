"""What Ray's metrics are told; what Prometheus then sees, tests/integration/test_metrics.py has."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from ray.serve import metrics as ray_metrics

from render_actor.metrics.export import HANDED_OVER, RayExport, export_forever
from render_actor.metrics.instruments import Counter, Gauge, Histogram
from tests.unit.render_actor.worker.fake_blender import until


class Told:
    """A metric of Ray's that remembers what it is told."""

    def __init__(self, name: str, description: str, tag_keys: tuple[str, ...], boundaries: list[float] | None = None) -> None:
        self.name, self.tag_keys, self.boundaries = name, tag_keys, boundaries
        self.values: list[tuple[float, dict[str, str]]] = []

    def _record(self, value: float, tags: dict[str, str]) -> None:
        self.values.append((value, tags))

    set = observe = _record


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Told]:
    """Ray's metrics by name."""
    made: dict[str, Told] = {}

    def make(name: str, **described: Any) -> Told:
        made[name] = Told(name, **described)
        return made[name]

    for kind in ("Counter", "Gauge", "Histogram"):
        monkeypatch.setattr(ray_metrics, kind, make)
    return made


def test_ray_is_told_sums_values_and_observations(told: dict[str, Told]) -> None:
    counter, gauge = Counter("c", "", ("kind",), [("a",)]), Gauge("g", "", ("place", "path"))
    histogram = Histogram("h", "", (0.5, 2), ("kind",))
    exported = RayExport([counter, gauge, histogram])
    for _ in range(3):
        counter.add(2, "b")
    gauge.set(7, "data", "/d")
    histogram.observe(0.25, "b")
    exported.hand_over()
    exported.hand_over()
    assert told["c"].values == [(0, {"kind": "a"}), (6, {"kind": "b"})]
    assert told["g"].values == [(7, {"place": "data", "path": "/d"})] * 2
    assert told["h"].values == [(0.25, {"kind": "b"})] and told["h"].boundaries == [0.5, 2]


def test_the_time_is_told_last(told: dict[str, Told], monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    gauge = Gauge("g", "")
    exported = RayExport([gauge])
    for name, metric in told.items():
        monkeypatch.setattr(metric, "set", lambda value, tags, name=name: order.append(name))
    gauge.set(1)
    exported.hand_over()
    assert order == ["g", HANDED_OVER.name]


async def test_a_round_that_fails_is_said_once_and_counts_go_on(told: dict[str, Told], caplog: pytest.LogCaptureFixture) -> None:
    counter, rounds = Counter("c", ""), 0

    async def read() -> None:
        nonlocal rounds
        rounds += 1
        counter.add()
        if 2 <= rounds <= 4:
            raise OSError("no disk")

    with caplog.at_level(logging.ERROR, "ray.serve"):
        task = asyncio.create_task(export_forever([counter], read, interval_sec=0))
        await until(lambda: rounds >= 6)
        task.cancel()
    assert sum("no disk" in record.message for record in caplog.records) == 1
    assert [value for value, _ in told["c"].values][:2] == [1, 4]
