from __future__ import annotations

import dataclasses

import pytest

from render_actor.contract.scene import sampling_for
from render_actor.contract.types import BlenderReport
from render_actor.contract.view_files import FileContent, RenderedView
from render_actor.contract.view_quality import ViewQuality
from render_actor.worker import metrics
from render_actor.worker.metrics import RENDERER_METRICS, count_view, measure

VIEW = RenderedView(
    3,
    (FileContent("", 100), FileContent("", 20), FileContent("", 3)),
    1.5,
    10,
    ViewQuality(12),
    in_sink=True,
    blender=BlenderReport("OPTIX: H200", 1, (), {}, 1.0),
)


@pytest.fixture(autouse=True)
def _counted_before() -> None:
    """Other tests have counted, too."""
    for instrument in RENDERER_METRICS:
        if hasattr(instrument, "take"):
            instrument.take()


def test_a_view_is_counted_by_device_quality_and_sink() -> None:
    count_view(VIEW, sampling_for("standard", max_samples=99))
    count_view(dataclasses.replace(VIEW, in_sink=False, seconds=0.5), sampling_for("standard"))
    assert metrics.VIEWS.take() == {("OPTIX: H200", "standard", "direct"): 1, ("OPTIX: H200", "standard", "object_store"): 1}
    assert metrics.VIEW_SECONDS.take() == [(("OPTIX: H200", "standard"), 1.5), (("OPTIX: H200", "standard"), 0.5)]
    assert metrics.VIEW_WORK_SECONDS.take() == {("OPTIX: H200", "standard"): 2.0}
    assert metrics.SAMPLES.take() == {("OPTIX: H200", "standard"): 24}
    assert metrics.FILE_BYTES.take() == {("direct",): 123, ("object_store",): 123}
    assert metrics.BOUNDS_MISSED.take() == {}


def test_a_view_that_missed_its_bound_is_counted_as_that() -> None:
    count_view(dataclasses.replace(VIEW, quality=ViewQuality(64, 2.7, 2.6)), sampling_for("draft"))
    assert metrics.BOUNDS_MISSED.take() == {("draft",): 1}


def test_of_the_states_one_is_1() -> None:
    measure("busy", 500)
    assert metrics.STATE.values() == {("starting",): 0, ("ready",): 0, ("busy",): 1, ("failed",): 0}
    assert metrics.MEMORY.values() == {(): 500}
    measure("starting", None)
    assert metrics.STATE.values()["starting",] == 1 and metrics.STATE.values()["busy",] == 0
    assert metrics.MEMORY.values() == {}
