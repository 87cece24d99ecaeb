"""The page of metrics."""

from __future__ import annotations

from collections.abc import Iterable

from render_actor.metrics.export import HANDED_OVER
from render_actor.metrics.instruments import Instrument
from render_actor.worker.metrics import RENDERER_METRICS
from serve_app.base.metrics import SERVER_METRICS
from tools.reference.markdown import cell, page, table

_INTRO = """
What the server shows to Prometheus beside what Ray tells of itself. [Monitoring](../metrics.md) says where, how to set it up, what the
labels say and what it costs. Names end in the unit where there is one. Sum over Ray's own labels (`replica`, `WorkerId`, ...): a process
that is started anew has new ones.
"""


def metrics() -> str:
    """``reference/metrics.md``."""
    parts = [
        ("Of the service, from the one ingress", SERVER_METRICS),
        ("Of the renderers, from each one's shell", RENDERER_METRICS),
        ("Of each of these processes", (HANDED_OVER,)),
    ]
    return page("Metrics", _INTRO, *(f"## {title}\n\n{_table(instruments)}" for title, instruments in parts))


def _table(instruments: Iterable[Instrument]) -> str:
    rows = [
        [f"`{each.scraped_name}`", each.kind, ", ".join(f"`{label}`" for label in each.labels), cell(each.meaning)] for each in instruments
    ]
    return table(("name", "type", "labels", "meaning"), rows)
