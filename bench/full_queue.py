"""``make bench-queue``: what a full queue costs whoever asks: accepting, refusing, ``/health``, cancels, over real HTTP.

Both renderers are busy all the time, and the load itself runs on the same two cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from bench.figures import Figure, as_json, markdown_table, spread, text_table
from bench.http_load import Answer, Ask, ask_all, ask_at_rate
from bench.server import BenchServer
from bench.truth import EXAMPLE

CORES = 2
CLIENTS = 32
CANCELS = 1000
RATE, SECONDS = 200, 15
HEALTH = Ask("GET", "/health")
WARM_REQUESTS = 100


def say(words: str) -> None:
    """Tell what is being done."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


class FullQueue:
    """One run.

    Args:
        server: whose two renderers are idle and whose queue is empty.
        cad: for all jobs.
        jobs: that fill its queue.
    """

    def __init__(self, server: BenchServer, cad: Path, jobs: int) -> None:
        self._server, self._cad, self._jobs = server, cad, jobs
        self._figures: list[Figure] = []

    def _ask(self, output: str, **options: object) -> Ask:
        body = {"cad_path": str(self._cad), "output_dir": str(self._server.folder / output), "resolution": 64, **options}
        return Ask("POST", "/render/templates", body)

    def _add(self, name: str, against: str, value: float, unit: str, bound: float | None, detail: str) -> None:
        self._figures.append(Figure(name, against, value, unit, bound, None, better="less", detail=detail))
        say("  ".join(self._figures[-1].cells()))

    async def run(self) -> list[Figure]:
        """All figures."""
        url = self._server.url
        go_first()
        say("jobs that keep both renderers busy and take all slots")
        long = [
            self._ask(f"long/{n}", samples=256 + n, resolution=512, level=2, priority="batch" if n % 2 else "interactive") for n in range(8)
        ]
        await ask_all(url, long, 1)
        await self._until_busy()
        await ask_all(url, [HEALTH] * WARM_REQUESTS, 1)
        await self._cost("GET /health, empty queue", HEALTH, None)
        # What HTTP, Serve and the reading of the body cost.
        await self._cost("a request of a wrong form (422), empty queue", self._ask("refused", smaples=3), None, 422)
        filled = await self._fill()
        await self._cost(f"GET /health, {self._jobs} jobs queued", HEALTH, None)
        refused = self._ask("refused")
        cpu = await self._cost("a refusal (429)", refused, None, 429)
        self._add("CPU of a refusal", "the bound", cpu, "ms", 2, "ingress process, user and system")
        await self._batch()
        for name, asks in (("GET /health", [HEALTH]), ("GET /health, every second request a refusal", [HEALTH, refused])):
            answers = await ask_at_rate(url, asks * (RATE * SECONDS // len(asks)), RATE)
            health = [1000 * answer.seconds for answer in answers if answer.status == 200]
            self._add(f"{name}: p99", f"{RATE} requests a second", _percentile(health, 99), "ms", 50, spread(health, "ms"))
        await self._cost("GET /api/v1/status", Ask("GET", "/api/v1/status"), None, count=20)
        await self._cost("GET /jobs?limit=50", Ask("GET", "/jobs?limit=50"), None)
        await self._cancel(filled)
        return self._figures

    async def _until_busy(self) -> None:
        while sum(renderer["state"] == "busy" for renderer in await asyncio.to_thread(self._server.renderers)) < CORES:
            await asyncio.sleep(0.5)

    async def _cost(self, name: str, ask: Ask, bound: float | None, status: int = 200, count: int = 200) -> float:
        """Round trip of a request that comes alone, and the milliseconds of the ingress's CPU that it takes."""
        before = self._server.ingress_cpu()
        answers = await ask_all(self._server.url, [ask] * count, 1)
        cpu = 1000 * (self._server.ingress_cpu() - before) / len(answers)
        _check(answers, status)
        trips = [1000 * answer.seconds for answer in answers]
        detail = f"{spread(trips, 'ms')}; {cpu:.2f} ms of the ingress's CPU each"
        self._add(f"{name}: round trip", "one client", statistics.median(trips), "ms", bound, detail)
        return cpu

    async def _fill(self) -> list[str]:
        """Fill the queue; returns the jobs' ids."""
        before, began = self._server.ingress_cpu(), time.monotonic()
        asks = [self._ask(f"queued/{number}") for number in range(self._jobs)]
        answers = await ask_all(self._server.url, asks, CLIENTS)
        seconds, cpu = time.monotonic() - began, self._server.ingress_cpu() - before
        accepted = [answer.body["job_id"] for answer in answers if answer.status == 200]
        detail = f"{1000 * seconds / self._jobs:.2f} ms each, {1000 * cpu / self._jobs:.2f} ms of the ingress's CPU; {CLIENTS} clients"
        self._add(f"accepting {len(accepted)} jobs", "", seconds, "s", None, detail)
        self._add("memory of the ingress", "its jobs queued", self._server.ingress_megabytes(), "MB", None, "resident")
        return accepted

    async def _batch(self) -> None:
        """A batch that is refused item by item, and what others see of it meanwhile."""
        items = [self._ask(f"batch/{number}").body for number in range(1000)]
        ask = Ask("POST", "/api/v1/render-templates-batch", {"items": items})
        batch, others = await asyncio.gather(ask_all(self._server.url, [ask], 1), ask_at_rate(self._server.url, [HEALTH] * 60, 20))
        if batch[0].body["failed"] != len(items):
            raise RuntimeError(f"items of a batch were accepted by a full queue: {batch[0].body['succeeded']}")
        slowest = max(answer.seconds for answer in others)
        self._add(
            "a batch of 1000 items, all refused", "", batch[0].seconds, "s", None, f"slowest /health meanwhile: {1000 * slowest:.0f} ms"
        )

    async def _cancel(self, job_ids: Sequence[str]) -> None:
        """Cancel every other job by itself, and the others by one request; both are spread over the whole queue."""
        alone, together = job_ids[::2][:CANCELS], job_ids[1::2][:CANCELS]
        asks = [Ask("DELETE", f"/jobs/{job_id}") for job_id in alone]
        self._add_cancels(len(alone), f"{CLIENTS} clients", *await self._timed(asks, CLIENTS))
        asks = [Ask("POST", "/api/v1/jobs/cancel", {"job_ids": list(together)})]
        self._add_cancels(len(together), "one request", *await self._timed(asks, 1))

    async def _timed(self, asks: Sequence[Ask], clients: int) -> tuple[float, float]:
        """Seconds that requests take, and the ingress's CPU seconds."""
        before, began = self._server.ingress_cpu(), time.monotonic()
        answers = await ask_all(self._server.url, asks, clients)
        seconds, cpu = time.monotonic() - began, self._server.ingress_cpu() - before
        _check(answers, 200)
        return seconds, cpu

    def _add_cancels(self, count: int, how: str, seconds: float, cpu: float) -> None:
        self._add(f"{count} cancels, {how}", "the bound", seconds, "s", 3, f"{1000 * cpu / count:.2f} ms of the ingress's CPU each")


def go_first(session: str | int = "self") -> None:
    """Have a session run before others, and this process before the server's.

    Clients are on machines of their own, and one that waits for a core measures that wait. An operator's right; without it the figures are
    those of a client that shares the cores.

    Args:
        session: id of the process that leads it.
    """
    with contextlib.suppress(OSError):
        Path(f"/proc/{session}/autogroup").write_text("-15")
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)


def _check(answers: Sequence[Answer], status: int) -> None:
    wrong = [answer for answer in answers if answer.status != status]
    if wrong:
        raise RuntimeError(f"{len(wrong)} of {len(answers)} requests were not answered with {status}: {wrong[0].status} {wrong[0].body}")


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def main() -> int:
    """Run, print, write; 1 when a bound is missed."""
    parser = argparse.ArgumentParser(prog="bench.full_queue", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000, help="jobs that fill the queue")
    parser.add_argument("--output", type=Path, default=Path("output/bench"), help="folder for the table as JSON and as markdown")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    load_before = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory(prefix="render-server-queue-") as name:
        folder = Path(name)
        shutil.copy(EXAMPLE, folder)
        settings = {"RENDER_MAX_QUEUED_JOBS": str(arguments.jobs), "RENDER_DRAIN_GRACE_SEC": "1"}
        with BenchServer(folder / "queue", folder, CORES, 0, 0, settings) as server:
            figures = asyncio.run(FullQueue(server, folder / EXAMPLE.name, arguments.jobs).run())
    arguments.output.mkdir(parents=True, exist_ok=True)
    machine = {"cores": CORES, "load_before": load_before, "memory": psutil.virtual_memory().total}
    (arguments.output / "queue.json").write_text(as_json(figures, machine) + "\n")
    (arguments.output / "queue.md").write_text(markdown_table(figures) + "\n")
    print(text_table(figures))
    return not all(figure.ok for figure in figures)


if __name__ == "__main__":
    sys.exit(main())
