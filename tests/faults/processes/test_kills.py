"""``kill -9`` of any part at random moments under load: nothing that was accepted is lost, rendered twice or half written."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.faults.conftest import FULL, full_only
from tests.faults.fault_server import FaultServer, report

ROUNDS = int(os.environ.get("RENDER_FAULT_ROUNDS", "50")) if FULL else 1
SEED = int(os.environ.get("RENDER_FAULT_SEED", "20261123"))


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", ["renderer", "replica", "ingress", pytest.param("server", marks=full_only)])
def test_a_kill_at_a_random_moment_loses_nothing(server: FaultServer, kind: str) -> None:
    chance = random.Random(f"{SEED} {kind}")
    worst = 0.0
    jobs: list[str] = []
    for round_number in range(ROUNDS):
        at_work = [server.submit("crate.obj", f"{kind}{round_number}", samples=chance.randint(1, 60)) for _ in range(3)]
        time.sleep(chance.uniform(0.0, 3.0))
        if kind == "server":
            server.kill_everything()
            began = time.monotonic()
            server.start(ready=False)
        else:
            os.kill(chance.choice(server.wait_for_pids(kind)), signal.SIGKILL)
            began = time.monotonic()
            server.wait_until_up()
        after = server.submit("flange.stl", f"after-{kind}{round_number}")
        assert server.wait_for_all([after]) == {"succeeded": 1}
        worst = max(worst, time.monotonic() - began)
        # A job that loses two renderers on one view is taken for their killer: the next kill meets others.
        server.wait_for_all(at_work)
        jobs += [*at_work, after]
    outcome = server.wait_for_all(jobs)
    server.audit()
    report(kind, rounds=ROUNDS, jobs=len(jobs), lost=len(jobs) - outcome["succeeded"], worst_recovery_sec=round(worst, 1))
    assert outcome == {"succeeded": len(jobs)}, server.errors(jobs)


def test_a_killed_server_loses_no_job_and_renders_no_view_again_that_was_done(server: FaultServer) -> None:
    job_id = server.submit("knot.ply", "resumed", resolution=128, samples=60)
    waiting = [server.submit("crate.obj", "waiting", samples=number, **server.few) for number in (1, 20, 60)]
    done = server.wait_for_views(job_id, 6)["view_seconds"]
    server.kill_everything()
    server.start(ready=False)
    after = server.submit("flange.stl", "after-resumed", **server.few)
    assert server.wait_for_all([job_id, *waiting, after]) == {"succeeded": 5}
    record = server.job(job_id)
    assert record["rendered_count"] == 42
    begun = server.begun(job_id)
    assert {view: begun[int(view)] for view in done} == dict.fromkeys(done, 1)
    assert set(begun) == set(range(42))
    log = (server.folder / "logs" / f"{job_id}.log").read_text()
    assert "goes on from views of an earlier server" in log
    manifest = json.loads((Path(record["templates_dir"]) / "manifest.json").read_text())
    assert len(manifest["views"]) == 42 and manifest["devices"] == ["CPU"] and "blender" in manifest["versions"]
    server.audit()
