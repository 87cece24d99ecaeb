"""``make bench-events``: what clients cost that listen to events: a server with nothing to do, then one that renders. Stub renderers."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
import urllib.parse
from collections import defaultdict
from pathlib import Path
from typing import Any

import psutil

from bench.figures import Figure, as_json, markdown_table, text_table
from bench.full_queue import go_first, say
from bench.http_load import Ask, ask_all
from bench.process_cpu import cpu_by_kind, kind_of
from bench.scale_load import job
from bench.server import BenchServer
from bench.stub_server import stub_server
from bench.truth import EXAMPLE

CORES = 2
LISTENERS = 1000
IDLE_SEC = 60.0
JOBS = 10
SECONDS_A_VIEW = 0.05


class Listeners:
    """Clients that listen to all events, each on a connection of its own.

    Attributes:
        heard: moments (Unix seconds) at which each event came, by its name and its job's id.
        bytes: that all of them received.
    """

    def __init__(self) -> None:
        self.heard: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.bytes = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._open = 0

    async def connect(self, url: str, count: int) -> None:
        """Have so many listen."""
        target = urllib.parse.urlsplit(url)
        self._tasks = [asyncio.create_task(self._listen(target.hostname or "", target.port or 80)) for _ in range(count)]
        while self._open < count:
            for task in self._tasks:
                if task.done():
                    task.result()
                    raise RuntimeError("a stream has ended")
            await asyncio.sleep(0.1)

    async def _listen(self, host: str, port: int) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            status = await reader.readline()
            if b"200" not in status:
                raise RuntimeError(f"not a stream: {status!r}")
            while (await reader.readline()).strip():
                pass
            name = ""
            while line := await reader.readline():
                self.bytes += len(line)
                if line.startswith(b"retry:"):
                    self._open += 1
                elif line.startswith(b"event: "):
                    name = line[7:].strip().decode()
                elif line.startswith(b"data: "):
                    self.heard[name, json.loads(line[6:])["job_id"]].append(time.time())
        finally:
            writer.close()

    def close(self) -> None:
        """Have none listen any more."""
        for task in self._tasks:
            task.cancel()


def megabytes(server: BenchServer) -> dict[str, float]:
    """Memory that is not shared with others, by kind of process."""
    found: dict[str, float] = defaultdict(float)
    for process in server.processes():
        found[kind_of(" ".join(process.cmdline()))] += process.memory_full_info().uss / 1e6
    return found


async def measured(server: BenchServer, folder: Path, count: int, idle_sec: float) -> list[Figure]:
    """All figures of a server."""
    alone = await _cpu_share(server, idle_sec / 2)
    before = megabytes(server)
    listeners = Listeners()
    began = time.monotonic()
    await listeners.connect(server.url, count)
    figures = [Figure(f"{count} clients connect", "nothing", time.monotonic() - began, "s")]
    await asyncio.sleep(2)
    say("an idle server with its listeners")
    share, after = await _cpu_share(server, idle_sec), megabytes(server)
    for kind in ("ingress", "proxy"):
        bound = 5.0 if kind == "ingress" else None
        detail = f"{share[kind]:.2f} % with, {alone[kind]:.2f} % without"
        more, grown = share[kind] - alone[kind], 1000 * (after[kind] - before[kind]) / count
        figures.append(Figure(f"CPU of the {kind}, idle", "without listeners", more, "% core", bound, None, "less", detail))
        figures.append(Figure(f"memory of the {kind}", "before", grown, "kB a client", None, None, "less", f"{after[kind]:.0f} MB"))
    say("jobs, one after another")
    cpu, delays, views = cpu_by_kind(server), list[float](), 0
    for number in range(JOBS):
        answer = (await ask_all(server.url, [_waiting(job(folder / EXAMPLE.name, server.folder / "out", number))], 1))[0]
        views += answer.body["rendered_count"]
        started = answer.body["started_at"]
        await asyncio.sleep(3)
        came = listeners.heard["started", answer.body["job_id"]]
        if len(came) != count or len(listeners.heard["finished", answer.body["job_id"]]) != count:
            raise RuntimeError(f"{len(came)} of {count} heard that a job has started")
        delays += [moment - started for moment in came]
    used = cpu_by_kind(server)
    detail = f"median; 99 % {1000 * statistics.quantiles(delays, n=100)[98]:.0f} ms, the last {1000 * max(delays):.0f} ms"
    median = 1000 * statistics.median(delays)
    figures.append(Figure("an event's way to a client", "the job's start", median, "ms", None, None, "less", detail))
    for kind in ("ingress", "proxy"):
        figures.append(Figure(f"CPU of the {kind}, a job of 42 views", "", (used[kind] - cpu[kind]) / JOBS, "s", None, None, "less"))
    listeners.close()
    say("all go, and as many others come: there is no place for more")
    again = Listeners()
    await asyncio.sleep(5)
    await again.connect(server.url, count)
    return figures


def _waiting(ask: Ask) -> Ask:
    return Ask(ask.method, ask.path + "?wait=true", ask.body)


async def _cpu_share(server: BenchServer, seconds: float) -> dict[str, float]:
    """Per cent of a core, by kind of process."""
    before, began = cpu_by_kind(server), time.monotonic()
    await asyncio.sleep(seconds)
    after, took = cpu_by_kind(server), time.monotonic() - began
    return {kind: 100 * (after[kind] - before[kind]) / took for kind in after}


def main() -> int:
    """Run, print, write."""
    parser = argparse.ArgumentParser(prog="bench.event_streams", description=__doc__)
    parser.add_argument("--listeners", type=int, default=LISTENERS)
    parser.add_argument("--seconds", type=float, default=IDLE_SEC, help="for which the idle server is watched")
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"), help="where a folder for all files is made")
    parser.add_argument("--output", type=Path, default=Path("output/bench"), help="folder for the table as JSON and as markdown")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    machine: dict[str, Any] = {"cores": CORES, "load_before": round(os.getloadavg()[0], 2), "memory": psutil.virtual_memory().total}
    with tempfile.TemporaryDirectory(prefix="render-server-events-", dir=arguments.folder) as name:
        folder = Path(name)
        shutil.copy(EXAMPLE, folder)
        settings = {"RENDER_MIN_FREE_BYTES": "0", "RENDER_MAX_EVENT_STREAMS": str(arguments.listeners)}
        with stub_server(folder / "server", folder, 1, SECONDS_A_VIEW, settings) as server:
            go_first(server.pid)
            figures = asyncio.run(measured(server, folder, arguments.listeners, arguments.seconds))
            began = time.monotonic()
        figures.append(Figure("the server stops", "", time.monotonic() - began, "s"))
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "event_streams.json").write_text(as_json(figures, machine))
    (arguments.output / "event_streams.md").write_text(markdown_table(figures))
    print(text_table(figures))
    return int(not all(figure.ok for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
