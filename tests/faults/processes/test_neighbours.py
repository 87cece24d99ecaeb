"""One job that hurts its renderer, beside jobs that never notice."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path

import httpx
import psutil

from tests.faults.conftest import FULL, full_only
from tests.faults.fault_server import FaultServer
from tests.faults.processes.conftest import VIEW_TIMEOUT_SEC
from tests.wait import wait_until

CLIENTS = 200 if FULL else 30
NEIGHBOURS = 20 if FULL else 8


def own_knot(server: FaultServer, name: str) -> str:
    """A CAD of one test alone: when it is quarantined, no other test misses it."""
    comment = f"ply\ncomment {name}\n".encode()
    (server.folder / name).write_bytes((server.folder / "knot.ply").read_bytes().replace(b"ply\n", comment, 1))
    return name


def beside(server: FaultServer, count: int = 20) -> list[str]:
    return [server.submit("flange.stl", f"good{number}", samples=1 + number % 3) for number in range(count)]


def check_good(server: FaultServer, jobs: list[str], views: int = 42) -> None:
    for job_id in jobs:
        record = server.job(job_id)
        assert record["status"] == "succeeded" and record["templates_generated"] == views, record


def test_a_cad_that_kills_every_blender_fails_alone_and_is_quarantined(server: FaultServer) -> None:
    good = beside(server, NEIGHBOURS // 2)
    killer = server.submit(own_knot(server, "killing.ply"), "killer")
    good += beside(server, NEIGHBOURS // 2)
    server.wait_for_all()
    record = server.job(killer)
    assert record["status"] == "failed" and record["error"]["code"] == "renderer_lost", record
    assert max(server.begun(killer).values()) == 2
    check_good(server, good)
    with server.http() as http:
        refused = http.post("/render/templates", json=server.body("killing.ply", "refused"))
    assert refused.status_code == 422 and refused.json()["code"] == "cad_quarantined", refused.text
    assert refused.json()["field"] == "cad_path" and int(refused.headers["Retry-After"]) > 0
    assert not (server.folder / "out" / killer).exists()
    assert server.wait_for_all([server.submit(own_knot(server, "repaired.ply"), "repaired")]) == {"succeeded": 1}
    server.audit()


def test_a_renderer_that_hangs_is_killed_and_its_views_go_to_another(server: FaultServer) -> None:
    good = beside(server, 6)
    hanger = server.submit(own_knot(server, "hanging.ply"), "hanger")
    good += beside(server, 6)
    server.wait_for_all()
    assert server.job(hanger)["status"] == "succeeded"
    assert f"gave no answer within {VIEW_TIMEOUT_SEC} s" in (server.folder / "logs" / f"{hanger}.log").read_text()
    check_good(server, good)
    server.audit()


def test_a_renderer_that_takes_too_much_memory_is_stopped(server: FaultServer) -> None:
    good = beside(server, 6)
    # So many samples may take minutes: on a busy machine, too, it has taken too much memory long before it counts as one that hangs.
    eater = server.submit(own_knot(server, "eating.ply"), "eater", resolution=512, samples=256)
    server.wait_for_all()
    record = server.job(eater)
    assert record["status"] == "failed" and record["error"]["code"] == "out_of_memory", record
    assert "renderer_memory_bytes" in record["error_message"]
    check_good(server, good)
    server.audit()


def test_clients_that_hang_up_cancel_nothing(server: FaultServer) -> None:
    bodies = []
    views = server.views(4)
    for number in range(CLIENTS):
        job_id = f"hungup-{number}"
        content = json.dumps(server.body("crate.obj", job_id, samples=1 + number * (1 if FULL else 5), **views)).encode()
        request = (
            f"PUT /jobs/{job_id}?wait=true HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        ).encode() + content
        client = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        client.sendall(request)
        bodies.append((job_id, client))
    for job_id, _ in bodies:
        wait_until(lambda job_id=job_id: "status" in server.job(job_id), job_id)  # type: ignore[misc]
        server.accepted.append(job_id)
    with server.http() as http:
        ended = http.get("/jobs", params={"status": "succeeded", "limit": 1000}).json()["jobs"]
    assert sum(job["job_id"].startswith("hungup") for job in ended) < CLIENTS // 2, "too few clients still wait to show anything"
    for _, client in bodies:
        client.close()
    assert server.wait_for_all([job_id for job_id, _ in bodies]) == {"succeeded": CLIENTS}
    server.audit()


def test_the_wall_clock_may_be_moved(server: FaultServer) -> None:
    clock = server.folder / "faults" / "clock"
    jobs: list[str] = []
    try:
        for offset in (0, 86400 * 400, -86400 * 400, 0):
            clock.write_text(str(offset))
            jobs += [server.submit("crate.obj", "clock", samples=len(jobs) + number, **server.few) for number in (1, 2)]
            server.wait_until_begun(jobs[-2])
    finally:
        clock.unlink()
    server.wait_for_all()
    for job_id in jobs:
        record = server.job(job_id)
        assert record["status"] == "succeeded" and 0 <= record["elapsed_sec"] < 600, record
    server.audit()


@full_only
def test_renderers_are_recycled_and_no_request_waits_for_it(server: FaultServer) -> None:
    """The server of these tests recycles after a few jobs, so it has happened all the time; here it is looked at."""
    with server.http() as http:
        before = sum(renderer["recycled"] for renderer in http.get("/api/v1/status").json()["renderers"])
        jobs = [server.submit("flange.stl", "recycle", samples=1 + number % 5) for number in range(40)]
        server.wait_for_all()

        def recycled() -> int:
            return sum(int(renderer["recycled"]) for renderer in http.get("/api/v1/status").json()["renderers"])

        wait_until(lambda: recycled() > before, lambda: http.get("/api/v1/status").json(), seconds=60)
    check_good(server, jobs)
    for job_id in jobs:
        assert "rendered again" not in (server.folder / "logs" / f"{job_id}.log").read_text()
    server.audit()


@full_only
def test_the_command_that_runs_the_server_has_it_finish_its_views_first(tmp_path: Path) -> None:
    server = FaultServer(tmp_path, {"RENDER_DRAIN_GRACE_SEC": "30"})
    up = server.start_with_command()
    try:
        jobs = [server.submit("crate.obj", "drain", resolution=256, samples=30) for _ in range(3)]
        server.wait_for_views(jobs[0], 3)
        up.send_signal(signal.SIGTERM)
        saw_the_door_closed, tries = False, 0
        while up.poll() is None:
            tries += 1
            try:
                with server.http() as http:
                    answer = http.put(f"/jobs/late-{tries}", json=server.body("crate.obj", f"late-{tries}"))
                if answer.status_code == 200:
                    server.accepted.append(f"late-{tries}")
                saw_the_door_closed |= answer.status_code == 503 and answer.json().get("code") == "draining"
            except (httpx.HTTPError, ValueError):
                pass
            time.sleep(0.1)
        assert up.returncode == 0 and saw_the_door_closed
        server.start(ready=False)
        server.wait_for_all()
        check_good(server, jobs)
        # The three are the same and share a rendering, of which no view was begun twice.
        begun = [server.begun(job_id) for job_id in jobs]
        assert sum(views.total() for views in begun) == 42, begun
        server.audit()
    finally:
        up.kill()
        server.stop()


def test_sigterm_in_the_middle_puts_the_work_aside(server: FaultServer) -> None:
    views = server.views(20)
    jobs = [server.submit("crate.obj", "term", resolution=128, samples=60 + number, **views) for number in range(3)]
    server.wait_for_views(jobs[0], 3)
    assert server.process is not None
    server.process.process.send_signal(signal.SIGTERM)
    server.process.process.wait(60)
    server.stop()
    assert not [process for process in psutil.process_iter() if server_owns(process, server)]
    server.start(ready=False)
    server.wait_for_all()
    check_good(server, jobs, 20)
    server.audit()


def server_owns(process: psutil.Process, server: FaultServer) -> bool:
    try:
        return str(server.folder) in " ".join(process.cmdline()) and process.pid != os.getpid()
    except psutil.Error:
        return False
