"""A renderer that stops in the middle of a view, is given up, and goes on to write when another has rendered its views."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.faults.fault_server import FaultServer
from tests.wait import wait_until


def note(server: FaultServer, name: str) -> dict[str, Any]:
    """What a renderer has noted, as soon as it has."""
    path = server.folder / "faults" / name

    def line() -> dict[str, Any] | None:
        return dict(json.loads(path.read_text())) if path.exists() and path.read_text().endswith("\n") else None

    return wait_until(line, server.log_tail) or {}


@pytest.mark.parametrize("published", [False, True])
def test_what_a_renderer_writes_after_it_was_given_up_is_seen_nowhere(server: FaultServer, published: bool) -> None:
    faults, cad = server.folder / "faults", "crate.obj"
    for name in ("late-writer", "late-write"):
        (faults / name).unlink(missing_ok=True)
    (faults / "late-writer-wanted").touch()
    job_id = server.submit(cad, f"late-{published}", resolution=96, samples=20 if published else 150)
    try:
        late = note(server, "late-writer")["pid"]
    finally:
        (faults / "late-writer-wanted").unlink(missing_ok=True)
    try:
        if published:
            assert server.wait_for_all([job_id]) == {"succeeded": 1}
        else:
            told = server.job(job_id)["rendered_count"]
            wait_until(lambda: "rendered again" in log_of(server, job_id), lambda: server.job(job_id))
            server.wait_for_views(job_id, told + 1)
        folder = Path(server.job(job_id)["templates_dir"])
        before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} if published else {}
    finally:
        os.kill(late, signal.SIGCONT)
    write = note(server, "late-write")
    assert write == ({"failed": "FileNotFoundError"} if published else {"wrote": write.get("wrote")}), write
    assert server.wait_for_all([job_id]) == {"succeeded": 1}
    assert "gave no answer within" in log_of(server, job_id)
    assert os.listdir(folder.parent) == ["templates"]
    assert not published or {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    server.audit()


def log_of(server: FaultServer, job_id: str) -> str:
    return (server.folder / "logs" / f"{job_id}.log").read_text()
