"""What the files in cluster/monitoring/ ask Prometheus."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

MONITORING = Path(__file__).parents[1] / "cluster" / "monitoring"


def expressions(*, alerts: bool = True) -> list[str]:
    """Every PromQL expression of the dashboard, with an interval in the place of Grafana's variable, and of the alerts."""
    panels = json.loads((MONITORING / "grafana_dashboard.json").read_text())["panels"]
    found = [target["expr"].replace("$__rate_interval", "1m") for panel in panels for target in panel["targets"]]
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"] if alerts else []
    return found + [rule["expr"] for group in groups for rule in group["rules"]]


def names_in(expression: str) -> set[str]:
    """Our metrics in an expression, a histogram by its own name."""
    return {name.removesuffix("_bucket") for name in re.findall(r"ray_\w+", expression)}
