"""The operator's files name only metrics that there are, and docs/metrics.md tells of every alert."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from render_actor.metrics.export import HANDED_OVER
from render_actor.worker.metrics import RENDERER_METRICS
from serve_app.base.metrics import SERVER_METRICS
from tests.monitoring import MONITORING, expressions, names_in

ROOT = Path(__file__).parents[2]
METRICS = (*SERVER_METRICS, *RENDERER_METRICS, HANDED_OVER)

promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: apt-get install prometheus)")


def test_dashboard_and_alerts_name_only_metrics_that_there_are() -> None:
    known = {each.scraped_name for each in METRICS}
    named = set().union(*map(names_in, expressions()))
    assert named <= known, named - known
    assert len(named) > 20


def test_every_metric_is_on_the_dashboard() -> None:
    dashboard = set().union(*map(names_in, expressions(alerts=False)))
    assert {each.scraped_name for each in METRICS} - dashboard == set()


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = json.loads((MONITORING / "grafana_dashboard.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells) and max(x for x, _ in cells) < 24


def test_every_alert_is_documented() -> None:
    rules = [rule["alert"] for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
    assert re.findall(r"^\| `(\w+)` \| ", (ROOT / "docs" / "metrics.md").read_text().split("## What there is")[0], re.M) == rules


@promtool
@pytest.mark.parametrize(
    "words",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "config", "prometheus.cluster.yml"),
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_finds_nothing(words: tuple[str, ...]) -> None:
    result = subprocess.run(["promtool", *words], cwd=MONITORING, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
