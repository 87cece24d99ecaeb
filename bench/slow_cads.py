"""``python -m bench.slow_cads [KIND:SIZE ...]``: what CADs that are hard to trace cost a server with two renderers, and a job beside them.

A line for each: seconds until its job's end (of all its views, or until it is given up here), how it ended, Blenders that were lost,
seconds of an ordinary job that was sent right after it, and of the same job alone.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from bench.hard_cads import write
from bench.server import BenchServer
from bench.truth import EXAMPLE

KINDS = (
    *("layers:990", "needles:900000", "slivers:200000", "coincident:160", "fan:500000"),
    *("shells:400", "dust:300000", "cavities:200", "glass:400", "ball:1000000", "parts:1000000"),
)
MAX_WAIT_SEC = 150.0
_OPTIONS = {"resolution": 256}


class _Jobs:
    """Jobs of one server."""

    def __init__(self, server: BenchServer, url: str) -> None:
        self._server, self._http = server, httpx.Client(base_url=url, timeout=60, trust_env=False)

    def submit(self, cad: Path, name: str) -> str:
        """The id of a job that is sent."""
        body = {"cad_path": str(cad), "output_dir": str(self._server.folder / name), **_OPTIONS}
        answer = self._http.post("/render/templates", json=body)
        answer.raise_for_status()
        return str(answer.json()["job_id"])

    def end(self, job_id: str, began: float) -> tuple[float, dict[str, Any]]:
        """Seconds since ``began`` when a job has ended, and its record; it is cancelled when it takes too long."""
        while True:
            record: dict[str, Any] = self._http.get(f"/jobs/{job_id}").json()
            seconds = time.monotonic() - began
            if record["status"] not in ("queued", "running"):
                return seconds, record
            if seconds > MAX_WAIT_SEC:
                self._http.delete(f"/jobs/{job_id}")
            time.sleep(0.1)


def _line(jobs: _Jobs, server: BenchServer, spec: str, alone: float) -> str:
    kind, size = spec.split(":")
    cad = write(kind, int(size), server.folder)
    lost = sum(renderer["restarts"] for renderer in server.renderers())
    began = time.monotonic()
    slow = jobs.submit(cad, f"slow-{kind}")
    beside, _ = jobs.end(jobs.submit(EXAMPLE, f"beside-{kind}"), time.monotonic())
    seconds, record = jobs.end(slow, began)
    lost = sum(renderer["restarts"] for renderer in server.renderers()) - lost
    end = record["error"]["code"] if record.get("error") else record["status"]
    done = f"{record.get('rendered_count', 0)} of {record.get('total_poses', 0)} views"
    return f"{spec:16} {seconds:7.1f} s  {end:14} {done:15} {lost} Blenders lost, beside {beside:6.1f} s (alone {alone:.1f} s)"


def main() -> None:
    """Measure and print."""
    with (
        tempfile.TemporaryDirectory(prefix="render-server-bench-") as folder,
        BenchServer(Path(folder) / "server", EXAMPLE.parent, 2, 0, 0) as server,
    ):
        jobs = _Jobs(server, server.url)
        jobs.end(jobs.submit(EXAMPLE, "warm"), time.monotonic())
        alone, _ = jobs.end(jobs.submit(EXAMPLE, "alone"), time.monotonic())
        for spec in sys.argv[1:] or KINDS:
            sys.stdout.write(_line(jobs, server, spec, alone) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
