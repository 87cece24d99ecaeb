"""``kill -9`` of any part at random moments under load: nothing that was accepted is lost, rendered twice or half written."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.faults.conftest import FULL
from tests.faults.fault_server import FaultServer, report

ROUNDS = int(os.environ.get("RENDER_FAULT_ROUNDS", "50")) if FULL else 1
SEED = int(os.environ.get("RENDER_FAULT_SEED", "20261123"))


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", ["renderer", "replica", "ingress", "server"])
def test_a_kill_at_a_random_moment_loses_nothing(server: FaultServer, kind: str) -> None:
    chance = random.Random(f"{SEED} {kind}")
    worst = 0.0
    before = len(server.accepted)
    for round_number in range(ROUNDS):
        load = [server.submit("crate.obj", f"{kind}{round_number}", samples=chance.randint(1, 60)) for _ in range(3)]
        time.sleep(chance.uniform(0.0, 3.0))
        if kind == "server":
            server.kill_everything()
            began = time.monotonic()
            server.start(ready=False)
        else:
            os.kill(chance.choice(server.wait_for_pids(kind)), signal.SIGKILL)
            began = time.monotonic()
            server.wait_until_up()
        load.append(server.submit("flange.stl", f"after-{kind}{round_number}"))
        while (record := server.job(load[-1]))["status"] != "succeeded":
            assert record["status"] in ("queued", "running"), record
            time.sleep(0.1)
        worst = max(worst, time.monotonic() - began)
    outcome = server.wait_for_all()
    server.audit()
    jobs = len(server.accepted) - before
    report(kind, rounds=ROUNDS, jobs=jobs, lost=jobs + before - outcome["succeeded"], worst_recovery_sec=round(worst, 1))
    assert outcome == {"succeeded": len(server.accepted)}, outcome


def test_views_that_were_done_are_not_rendered_again(server: FaultServer) -> None:
    job_id = server.submit("knot.ply", "resumed", resolution=256, samples=32)
    while len(done := server.job(job_id)["view_seconds"]) < 6:
        time.sleep(0.1)
    server.kill_everything()
    server.start(ready=False)
    server.wait_for_all()
    record = server.job(job_id)
    assert record["status"] == "succeeded" and record["rendered_count"] == 42
    begun = server.begun(job_id)
    assert {view: begun[int(view)] for view in done} == dict.fromkeys(done, 1)
    assert set(begun) == set(range(42))
    log = (server.folder / "logs" / f"{job_id}.log").read_text()
    assert "goes on from views of an earlier server" in log
    manifest = json.loads((Path(record["templates_dir"]) / "manifest.json").read_text())
    assert len(manifest["views"]) == 42 and manifest["devices"] == ["CPU"] and "blender" in manifest["versions"]
    server.audit()
