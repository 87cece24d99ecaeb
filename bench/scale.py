"""``make bench-scale``: what one ingress carries, with stub renderers: real HTTP, real Serve, real files, no Blender.

The stubs sleep so little that the machine is the limit. All of the load runs on the same cores as the server.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from bench.full_queue import go_first, say
from bench.http_load import Ask
from bench.process_cpu import KINDS, cpu_by_kind
from bench.scale_load import Latencies, ask_beside, fill, job, percentile, swept, views_done
from bench.server import BenchServer
from bench.stub_server import stub_server
from bench.truth import EXAMPLE

CORES = 2
CLIENTS = 32
STUBS = (1, 8, 32, 128)
SINKS = ("direct", "object_store")
SETTLE_SEC = 5.0
BYTES_A_STUB = 220 * 1024**2
"""Of a shell and its stub together: two Python processes with Ray."""


@dataclass(frozen=True)
class Point:
    """What was measured with so many stubs.

    Attributes:
        sink: RENDER_SINK.
        stubs: how many.
        views_a_second: of 512 x 512 pixels, nothing else being asked.
        cpu_ms: CPU milliseconds a view by kind of process.
        latencies: milliseconds of submit, status and health beside the rendering: median and 99 %.
        busy_views_a_second: views a second meanwhile.
        ingress_mb: resident memory of the ingress.
        store_mb: of the job store.
        ready_sec: from the server's start until all stubs were ready.
        recovery_sec: that the ingress spent on taking up the queued jobs.
    """

    sink: str
    stubs: int
    views_a_second: float
    cpu_ms: dict[str, float]
    latencies: dict[str, tuple[float, float]]
    busy_views_a_second: float
    ingress_mb: float
    store_mb: float
    ready_sec: float
    recovery_sec: float


@dataclass(frozen=True)
class Plan:
    """How it is measured.

    Attributes:
        folder: of all files.
        jobs: that are queued.
        rate: views a second that the stubs could render if the machine could.
        seconds: of each of the two windows.
    """

    folder: Path
    jobs: int
    rate: float
    seconds: float

    @property
    def output(self) -> Path:
        """Where jobs publish."""
        return self.folder / "output"

    @property
    def data(self) -> Path:
        """Of the server."""
        return self.folder / "data"

    @property
    def cad(self) -> Path:
        """Of all jobs."""
        return self.folder / EXAMPLE.name

    @contextmanager
    def server(self, name: str, stubs: int, seconds_a_view: float, sink: str = "auto") -> Iterator[BenchServer]:
        """A server on the folder's job store."""
        settings = {
            "RENDER_SINK": sink,
            "RENDER_DATA_DIR": str(self.data),
            "RENDER_OUTPUT_ROOTS": str(self.output),
            "RENDER_MAX_QUEUED_JOBS": str(2 * self.jobs),
            "RENDER_DRAIN_GRACE_SEC": "1",
            "RENDER_MIN_FREE_BYTES": "0",  # What is published goes at once; by the books so many jobs need a terabyte.
        }
        with stub_server(self.folder / name, self.folder, stubs, seconds_a_view, settings) as server:
            go_first(server.pid)
            yield server


def queue_filled(plan: Plan) -> float:
    """Fill a queue through HTTP, and stop the server: each measured one takes the same jobs up. Returns the seconds of the filling."""
    with plan.server("filling", 1, 3600.0) as server:
        asks = [job(plan.cad, plan.output, number) for number in range(plan.jobs)]
        return asyncio.run(fill(server.url, asks, CLIENTS))


def measured(plan: Plan, sink: str, stubs: int) -> Point:
    """Measure with so many stubs."""
    before = plan.folder / "queued"
    shutil.rmtree(plan.data)
    shutil.copytree(before, plan.data)
    shutil.rmtree(plan.output, ignore_errors=True)
    plan.output.mkdir()
    began = time.monotonic()
    with swept(plan.output), plan.server(f"{sink}-{stubs}", stubs, stubs / plan.rate, sink) as server:
        ready_sec = time.monotonic() - began
        submits = (job(plan.cad, plan.output, plan.jobs + number) for number in itertools.count())
        return asyncio.run(_measured(plan, server, submits, sink, stubs, ready_sec))


async def _measured(plan: Plan, server: BenchServer, submits: Iterator[Ask], sink: str, stubs: int, ready_sec: float) -> Point:
    while not await views_done(server.url):
        await asyncio.sleep(0.5)
    await asyncio.sleep(SETTLE_SEC)
    views, cpu, began = await views_done(server.url), cpu_by_kind(server), time.monotonic()
    await asyncio.sleep(plan.seconds)
    used, seconds = cpu_by_kind(server), time.monotonic() - began
    made = await views_done(server.url) - views
    cpu_ms = {kind: 1000 * (used[kind] - cpu[kind]) / made for kind in KINDS}
    views, began = await views_done(server.url), time.monotonic()
    latencies: Latencies = await ask_beside(server.url, submits, plan.seconds)
    busy = (await views_done(server.url) - views) / (time.monotonic() - began)
    ends = {kind: (percentile(values, 50), percentile(values, 99)) for kind, values in latencies.items()}
    store = sum(path.stat().st_size for path in plan.data.glob("jobs.sqlite3*")) / 1e6
    return Point(sink, stubs, made / seconds, cpu_ms, ends, busy, server.ingress_megabytes(), store, ready_sec, _recovery_sec(server))


def _recovery_sec(server: BenchServer) -> float:
    told = re.search(r"jobs of an earlier server go on.* seconds=([\d.]+)", (server.folder / "server.log").read_text())
    return float(told[1]) if told else float("nan")


def table(points: list[Point]) -> str:
    """As markdown."""
    header = ("sink", "stubs", "views/s", *(f"{kind}, ms" for kind in KINDS), "submit p50 / p99, ms", "status", "health", "views/s then")
    rows = [(*header, "ingress, MB", "store, MB", "recovery, s")]
    rows.append(("---",) * len(rows[0]))
    for point in points:
        ends = [f"{p50:.0f} / {p99:.0f}" for p50, p99 in (point.latencies[kind] for kind in ("submit", "status", "health"))]
        cpu = [f"{point.cpu_ms[kind]:.2f}" for kind in KINDS]
        memory = (f"{point.ingress_mb:.0f}", f"{point.store_mb:.0f}", f"{point.recovery_sec:.1f}")
        rows.append((point.sink, str(point.stubs), f"{point.views_a_second:.0f}", *cpu, *ends, f"{point.busy_views_a_second:.0f}", *memory))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> int:
    """Run, print, write."""
    parser = argparse.ArgumentParser(prog="bench.scale", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,000 jobs, 1 and 8 stubs, 8 seconds a window")
    parser.add_argument("--stubs", type=lambda text: tuple(map(int, text.split(","))), help="numbers of stubs, such as 1,8")
    parser.add_argument("--sinks", type=lambda text: tuple(text.split(",")), default=SINKS, help="direct,object_store")
    parser.add_argument("--jobs", type=int, help="jobs that are queued; 10,000 by default")
    parser.add_argument("--rate", type=float, default=500.0, help="views a second that all stubs together could render")
    parser.add_argument("--seconds", type=float, help="of each window; 15 by default")
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"), help="where a folder for all files is made")
    parser.add_argument("--output", type=Path, default=Path("output/bench"), help="folder for the table as JSON and as markdown")
    arguments = parser.parse_args()
    stubs = arguments.stubs or ((1, 8) if arguments.quick else STUBS)
    jobs, seconds = arguments.jobs or (1000 if arguments.quick else 10_000), arguments.seconds or (8.0 if arguments.quick else 15.0)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    load_before = round(os.getloadavg()[0], 2)
    go_first()
    points = []
    with tempfile.TemporaryDirectory(prefix="render-server-scale-", dir=arguments.folder) as name:
        plan = Plan(Path(name), jobs, arguments.rate, seconds)
        plan.output.mkdir()
        shutil.copy(EXAMPLE, plan.folder)
        say(f"{jobs} jobs are queued")
        filling = queue_filled(plan)
        say(f"queued in {filling:.1f} s, {1000 * filling / jobs:.2f} ms each")
        plan.data.rename(plan.folder / "queued")
        plan.data.mkdir()
        for sink, count in itertools.product(arguments.sinks, stubs):
            if count * BYTES_A_STUB > psutil.virtual_memory().available:
                say(f"{count} stubs do not fit this machine's memory: left out")
                continue
            say(f"{count} stubs, sink {sink}")
            points.append(measured(plan, sink, count))
            say(table(points[-1:]).splitlines()[-1])
    arguments.output.mkdir(parents=True, exist_ok=True)
    machine = {"cores": CORES, "load_before": load_before, "memory": psutil.virtual_memory().total, "jobs": jobs, "filling_sec": filling}
    content = {"machine": machine, "points": [asdict(point) for point in points]}
    (arguments.output / "scale.json").write_text(json.dumps(content, indent=1) + "\n")
    (arguments.output / "scale.md").write_text(table(points) + "\n")
    print(table(points))
    return 0


if __name__ == "__main__":
    sys.exit(main())
