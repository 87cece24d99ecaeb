from __future__ import annotations

import io
from typing import Any

from rich.console import Console, Group

from serve_app.cli.job_commands import server_text
from serve_app.cli.top import Rates, picture

STATUS: dict[str, Any] = {
    **{"version": "1.0.0", "uptime": 7200.0, "draining": False, "jobs_queued": 3, "jobs_running": 1},
    "renderers": [
        {"id": "abc", "state": "busy", "device": "CPU", "memory_bytes": 600 * 1024**2, "restarts": 0, "error": None},
        {"id": "def", "state": "failed", "device": None, "memory_bytes": None, "restarts": 2, "error": {"detail": "no [GPU] here"}},
    ],
    "machine": {
        "cpu_percent": 97.0,
        "memory_available_bytes": 1024**3,
        "memory_total_bytes": 4 * 1024**3,
        "disk_free_bytes": {"/out": 1024**3},
    },
}
JOB: dict[str, Any] = {"job_id": "job-1", "rendered_count": 10, "total_poses": 42, "elapsed_sec": 5.0, "cad_path": "/a/[part].stl"}


def test_rates_are_of_the_time_between_two_looks() -> None:
    rates = Rates()
    assert rates.of([JOB], 100.0) == {"job-1": 0.0}
    assert rates.of([{**JOB, "rendered_count": 16}, {**JOB, "job_id": "new"}], 102.0) == {"job-1": 3.0, "new": 0.0}
    assert rates.of([], 103.0) == {} and rates.of([JOB], 104.0) == {"job-1": 0.0}


def test_queue_renderers_and_rates_are_shown() -> None:
    console = Console(file=io.StringIO(), width=160)
    console.print(Group(*picture("http://server", STATUS, [JOB], {"job-1": 2.5})))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for words in ("1 running, 3 queued", "1 of 2 renderers busy", "2.5 views/s", "10/42", "no [GPU] here", "/a/[part].stl", "600 MiB"):
        assert words in shown


def test_a_server_in_lines_names_what_is_wrong() -> None:
    text = server_text("http://server", STATUS)
    assert "renderer def: failed, no [GPU] here" in text and "disk of /out: 1.0 GiB are free" in text
    assert "no renderer" in server_text("http://server", {**STATUS, "renderers": []})
