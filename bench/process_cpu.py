"""What each kind of a server's processes uses."""

from __future__ import annotations

import contextlib

import psutil

from bench.server import BenchServer

_KINDS = {
    "ingress": ":Ingress",
    "shells": ":RenderWorker",
    "renderers": "ray::StubActor",
    "proxy": "ray::ProxyActor",
    "controller": "ray::ServeController",
    "raylet": "raylet",
    "gcs": "gcs_server",
}
"""What a process's command line holds."""

KINDS = (*_KINDS, "others")


def kind_of(command: str) -> str:
    """Which kind of process has this command line."""
    return next((kind for kind, words in _KINDS.items() if words in command), "others")


def cpu_by_kind(server: BenchServer) -> dict[str, float]:
    """CPU seconds so far, user and system, by kind of process."""
    seconds = dict.fromkeys(KINDS, 0.0)
    for process in server.processes():
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            seconds[kind_of(" ".join(process.cmdline()))] += times.user + times.system
    return seconds
