from __future__ import annotations

import pytest

from render_actor.metrics.instruments import Counter, Gauge, Histogram


def test_a_counter_begins_with_its_zeros_and_then_tells_what_came_since() -> None:
    counter = Counter("things", "Things.", ("kind",), [("a",), ("b",)])
    counter.add(2, "b")
    counter.add(1, "c")
    assert counter.take() == {("a",): 0, ("b",): 2, ("c",): 1}
    assert counter.take() == {}
    counter.add(1.5, "b")
    counter.add(1, "b")
    assert counter.take() == {("b",): 2.5}


def test_a_counter_without_labels_begins_with_zero_and_one_of_unknown_labels_with_nothing() -> None:
    assert Counter("things", "Things.").take() == {(): 0}
    assert Counter("things", "Things.", ("kind",), ()).take() == {}
    with pytest.raises(ValueError, match="things has the labels"):
        Counter("things", "Things.", ("kind",), [("a", "b")])


def test_a_gauge_keeps_its_values_until_they_are_not_known() -> None:
    gauge = Gauge("level", "Level.", ("place",))
    gauge.set(3, "here")
    gauge.set(4, "there")
    gauge.set(None, "here")
    gauge.set(None, "nowhere")
    assert gauge.values() == gauge.values() == {("there",): 4}


def test_a_histogram_tells_each_value_once() -> None:
    histogram = Histogram("seconds", "Seconds.", (0.1, 1), ("kind",))
    histogram.observe(0.5, "a")
    histogram.observe(0.5, "a")
    assert histogram.take() == [(("a",), 0.5), (("a",), 0.5)]
    assert histogram.take() == []


def test_names_are_those_that_prometheus_has() -> None:
    made = Counter("a", ""), Gauge("b", ""), Histogram("c", "", (1,))
    assert [instrument.scraped_name for instrument in made] == ["ray_a_total", "ray_b", "ray_c"]
