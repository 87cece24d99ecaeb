"""``make bench-autoscaling``: how many renderers there are while bursts of jobs come, with stub renderers: recorded, held to bounds, drawn.

The stubs render nothing; that replicas come and go is real.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.figures import Figure, text_table
from bench.http_load import Answer, Ask, ask_all
from bench.scale_load import VIEWS, job
from bench.server import BenchServer
from bench.stub_server import stub_server
from bench.svg_chart import Panel, chart
from bench.truth import EXAMPLE

MIN, MAX = 1, 4
SECONDS_A_VIEW = 0.25
UPSCALE_SEC, DOWNSCALE_SEC = 1.0, 15.0
BURSTS = (12, 6)
"""Jobs of each."""

LOOK_SEC = 0.5
UP_WITHIN_SEC, DOWN_WITHIN_SEC = 10.0, DOWNSCALE_SEC + 15.0


@dataclass(frozen=True)
class Look:
    """The server at one moment.

    Attributes:
        seconds: since the first.
        jobs_queued: jobs that wait for a slot.
        views_left: views of all jobs that are not rendered yet.
        replicas: renderers that answer.
        ready: those whose Blender, here a stub, is ready or renders.
        busy: those that render.
    """

    seconds: float
    jobs_queued: int
    views_left: int
    replicas: int
    ready: int
    busy: int


class Watch:
    """Looks at a server again and again, until it is stopped.

    Args:
        server: to look at.
    """

    def __init__(self, server: BenchServer) -> None:
        self._url, self._began = server.url, time.monotonic()
        self.looks: list[Look] = []
        self._task = asyncio.ensure_future(self._look_on())

    @property
    def now(self) -> float:
        """Seconds since its begin."""
        return time.monotonic() - self._began

    async def until(self, condition: Any, limit_sec: float) -> float | None:
        """The moment of the next look that fulfils a condition; None when none does in time."""
        begin, seen = self.now, len(self.looks)
        while self.now - begin < limit_sec:
            for look in self.looks[seen:]:
                if condition(look):
                    return look.seconds
            seen = len(self.looks)
            await asyncio.sleep(LOOK_SEC / 2)
        return None

    async def _look_on(self) -> None:
        while True:
            due = time.monotonic() + LOOK_SEC
            self.looks.append(await self._look())
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _look(self) -> Look:
        asks = [Ask("GET", "/api/v1/status"), Ask("GET", "/jobs?status=running&limit=1000"), Ask("GET", "/jobs?status=queued&limit=1")]
        moment = self.now
        status, running, queued = [answer.body for answer in await ask_all(self._url, asks, 3)]
        left = VIEWS * queued["total"] + sum((job["total_poses"] or VIEWS) - job["rendered_count"] for job in running["jobs"])
        states = [renderer["state"] for renderer in status["renderers"] if renderer["state"] not in ("lost", "stopped")]
        ready = sum(state in ("ready", "busy") for state in states)
        return Look(moment, queued["total"], left, len(states), ready, min(states.count("busy"), left))

    def stop(self) -> None:
        """Look no more."""
        self._task.cancel()


async def run(server: BenchServer, cad: Path) -> tuple[list[Figure], list[Look], dict[str, float]]:
    """Two bursts, and the quiet after each."""
    watch, figures, marks = Watch(server), list[Figure](), dict[str, float]()
    await asyncio.sleep(5)
    number, answers = 0, list[Answer]()
    for burst, jobs in enumerate(BURSTS):
        began = watch.now
        marks[f"{jobs} jobs"] = began
        answers += await ask_all(server.url, [job(cad, server.folder / "output", number + index) for index in range(jobs)], 8)
        number += jobs
        up = await watch.until(lambda look: look.ready == MAX, 60)
        done = await watch.until(lambda look: look.views_left == 0, 300)
        down = await watch.until(lambda look: look.replicas == MIN, DOWN_WITHIN_SEC + 30)
        for name, moment, since, bound in (
            (f"burst {burst + 1}: {MIN} to {MAX} renderers ready", up, began, UP_WITHIN_SEC),
            (f"burst {burst + 1}: back to {MIN} after the last view", down, done, DOWN_WITHIN_SEC),
        ):
            value = float("inf") if moment is None or since is None else moment - since
            figures.append(Figure(name, "the bound", value, "s", bound, better="less"))
        await asyncio.sleep(3)
    watch.stop()
    ids = [answer.body["job_id"] for answer in answers]
    jobs_then = [answer.body for answer in await ask_all(server.url, [Ask("GET", f"/jobs/{job_id}") for job_id in ids], 4)]
    done_whole = sum(job["status"] == "succeeded" and job["rendered_count"] == VIEWS for job in jobs_then)
    figures.append(Figure("jobs that succeeded", "all", done_whole, f"of {len(ids)}", len(ids)))
    logs = [path.read_text() for path in (server.folder / "logs").glob("*.log")]
    cut = sum(log.count('event="views are rendered again"') for log in logs)
    figures.append(Figure("batches that were cut", "none", cut, "", 0, better="less"))
    return figures, watch.looks, marks


def drawn(looks: list[Look], marks: dict[str, float]) -> str:
    """The picture."""
    panels = [
        Panel("views to render, of queued and of running jobs", {"views": [look.views_left for look in looks]}),
        Panel(
            "renderers",
            {"replicas": [look.replicas for look in looks], "ready": [look.ready for look in looks], "busy": [look.busy for look in looks]},
        ),
    ]
    title = f"{MIN} to {MAX} renderers: a view {SECONDS_A_VIEW:g} s, delays {UPSCALE_SEC:g} s up, {DOWNSCALE_SEC:g} s down (stub renderers)"
    return chart(title, [look.seconds for look in looks], panels, marks)


def main() -> int:
    """Run, print, draw; 1 when a bound is missed."""
    parser = argparse.ArgumentParser(prog="bench.autoscaling", description=__doc__)
    parser.add_argument("--picture", type=Path, default=Path("output/bench/autoscaling.svg"), help="where the picture goes")
    parser.add_argument("--output", type=Path, default=Path("output/bench"), help="folder for what was recorded, as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="render-server-autoscaling-") as name:
        folder = Path(name)
        shutil.copy(EXAMPLE, folder)
        scaling = {
            "min_renderers": MIN,
            "max_renderers": MAX,
            "upscale_delay_sec": UPSCALE_SEC,
            "downscale_delay_sec": DOWNSCALE_SEC,
        }
        with stub_server(folder / "server", folder, MIN, SECONDS_A_VIEW, None, **scaling) as server:
            figures, looks, marks = asyncio.run(run(server, folder / EXAMPLE.name))
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "autoscaling.json").write_text(json.dumps([asdict(look) for look in looks], indent=1) + "\n")
    arguments.picture.parent.mkdir(parents=True, exist_ok=True)
    arguments.picture.write_text(drawn(looks, marks))
    print(text_table(figures))
    return not all(figure.ok for figure in figures)


if __name__ == "__main__":
    sys.exit(main())
