"""``make bench-wire``: memory of the server while large CADs are uploaded, and while clients that listen take nothing. Stub renderers."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import socket
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import psutil

from bench.figures import Figure, as_json, markdown_table, text_table
from bench.full_queue import say
from bench.http_load import Ask, ask_all
from bench.process_cpu import kind_of
from bench.server import BenchServer
from bench.stub_server import stub_application
from bench.truth import EXAMPLE
from render_server_client import Client

MEGABYTES = 480
AT_ONCE = 4
UNREAD = 50
UNREAD_SEC = 180.0
SECONDS_A_VIEW = 0.002
CACHE_BYTES = 1024**3
_EVERY_SEC = 0.05
_BLOCK = bytes(1024**2)
_KINDS = ("proxy", "ingress")


class Peaks:
    """Looks at the memory of the proxy and the ingress, for as long as the context lasts.

    Attributes:
        grown: MiB that were resident at most beyond what was at the beginning, by kind of process; and of these what no other process
            shares: Ray's object store is memory of both.
    """

    def __init__(self, server: BenchServer) -> None:
        self._processes = {kind_of(" ".join(process.cmdline())): process for process in server.processes()}
        self._before = {kind: self._now(kind) for kind in _KINDS}
        self.grown = dict.fromkeys(_KINDS, (0.0, 0.0))
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._watch)

    def _now(self, kind: str) -> tuple[float, float]:
        memory = self._processes[kind].memory_full_info()
        return memory.rss / 1024**2, memory.uss / 1024**2

    def _watch(self) -> None:
        while not self._stop.wait(_EVERY_SEC):
            for kind in _KINDS:
                now, before, most = self._now(kind), self._before[kind], self.grown[kind]
                self.grown[kind] = max(most[0], now[0] - before[0]), max(most[1], now[1] - before[1])

    def figure(self, kind: str, what: str, detail: str) -> Figure:
        """What a kind of process had at most."""
        resident, own = self.grown[kind]
        name = f"memory of the {kind}, {what}"
        return Figure(name, "before", resident, "MiB", None, None, "less", f"{own:.0f} MiB of it its own; {detail}")

    def __enter__(self) -> Peaks:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()


def _form(size: int) -> Iterator[bytes]:
    """A form with one file, as a page sends it."""
    yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="large.stl"\r\n\r\n'
    for _ in range(size // len(_BLOCK)):
        yield _BLOCK
    yield b"\r\n--x--\r\n"


def in_one_body(url: str, file: Path) -> None:
    """Upload as much as a file has, as a form in one request that declares its length."""
    size = file.stat().st_size
    length = sum(map(len, _form(0))) + size
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(length)}
    httpx.post(f"{url}/api/v1/uploads", content=_form(size), headers=headers, timeout=600).raise_for_status()


def by_the_client(url: str, file: Path) -> None:
    """Upload a file as the client does: by tus."""
    with Client(url) as client:
        client.upload(file)


def uploads(server: BenchServer, file: Path) -> list[Figure]:
    """What uploads cost, one by one and several at once."""
    figures = []
    size = file.stat().st_size // 1024**2
    for name, way in (("one body", in_one_body), ("the client", by_the_client)):
        for count in (1, AT_ONCE):
            say(f"{count} x {size} MiB, {name}")
            began = time.monotonic()
            with Peaks(server) as peaks, ThreadPoolExecutor(count) as pool:
                for done in [pool.submit(way, server.url, file) for _ in range(count)]:
                    done.result()
            took = time.monotonic() - began
            figures += [peaks.figure(kind, f"{count} x {size} MiB, {name}", f"{took:.1f} s") for kind in _KINDS]
    return figures


def _unread(url: str) -> socket.socket:
    """A stream of events that nobody reads."""
    target = urllib.parse.urlsplit(url)
    address = (target.hostname or "", target.port or 80)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # Little is kept for it by its own system.
    connection.connect(address)
    connection.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n\r\n".encode())
    return connection


async def _traffic(server: BenchServer, cad: Path, seconds: float) -> int:
    """Jobs with as many views as there are, all but the first from the cache; returns their number."""
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        output = server.folder / "out" / str(number)
        body = {"cad_path": str(cad), "output_dir": str(output), "level": 2, "resolution": 64}
        answer = (await ask_all(server.url, [Ask("POST", "/render/templates?wait=true", body)], 1))[0]
        if answer.body["status"] != "succeeded":
            raise RuntimeError(f"a job failed: {answer.body}")
        number += 1
        await asyncio.to_thread(shutil.rmtree, output)
    return number


def unread_streams(server: BenchServer, cad: Path, count: int, seconds: float) -> list[Figure]:
    """What clients cost that listen and take nothing, beside the same traffic without them."""
    figures = []
    for listeners in (0, count):
        say(f"{listeners} clients that take nothing, {seconds:.0f} s")
        with contextlib.ExitStack() as opened:
            for _ in range(listeners):
                opened.enter_context(contextlib.closing(_unread(server.url)))
            time.sleep(1)
            with Peaks(server) as peaks:
                jobs = asyncio.run(_traffic(server, cad, seconds))
        what = f"{listeners} clients that take no event, {seconds:.0f} s"
        figures += [peaks.figure(kind, what, f"{jobs} jobs of 642 views") for kind in _KINDS]
    return figures


def main() -> int:
    """Run, print, write."""
    parser = argparse.ArgumentParser(prog="bench.wire_memory", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=MEGABYTES, help="of a CAD")
    parser.add_argument("--listeners", type=int, default=UNREAD, help="that take nothing")
    parser.add_argument("--seconds", type=float, default=UNREAD_SEC, help="for which they listen; 0 for uploads alone")
    parser.add_argument("--folder", type=Path, default=None, help="where a folder for all files is made; a disk, not memory")
    parser.add_argument("--output", type=Path, default=Path("output/bench"), help="folder for the table as JSON and as markdown")
    arguments = parser.parse_args()
    machine: dict[str, Any] = {"cores": psutil.cpu_count(), "memory": psutil.virtual_memory().total}
    with tempfile.TemporaryDirectory(prefix="render-server-wire-", dir=arguments.folder) as name:
        folder = Path(name)
        shutil.copy(EXAMPLE, folder)
        file = folder / "large.stl"
        with file.open("wb") as large:
            for _ in range(arguments.megabytes):
                large.write(_BLOCK)
        application = stub_application(SECONDS_A_VIEW)
        with BenchServer(folder / "server", folder, 2, 0, CACHE_BYTES, {"RENDER_MIN_FREE_BYTES": "0"}, application) as server:
            figures = uploads(server, file) if arguments.megabytes else []
            if arguments.seconds:
                figures += unread_streams(server, folder / EXAMPLE.name, arguments.listeners, arguments.seconds)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "wire_memory.json").write_text(as_json(figures, machine))
    (arguments.output / "wire_memory.md").write_text(markdown_table(figures))
    print(text_table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
