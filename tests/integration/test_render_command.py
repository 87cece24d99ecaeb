"""``render-server render`` and the commands around it, against the real server and against one of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from render_actor.contract.cameras import camera_poses
from render_server_client import Client, Templates
from serve_app.cli.checks import free_port
from tests.integration.conftest import Server
from tests.wait import wait_until

SMALL = ("--resolution", "64", "--samples", "1")


def begin(*words: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "serve_app.cli.main", *words]
    # By a shell that runs the tests in its background the signal may be ignored, and what is ignored is inherited.
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def run(*words: str, **environment: str) -> tuple[int, str, str]:
    process = begin(*words, **environment)
    out, err = process.communicate(timeout=400)
    return process.returncode, out, err


def test_cads_of_another_disk_are_rendered_into_folders_of_their_names(server: Server, tmp_path: Path) -> None:
    for name in ("flange.stl", "crate.obj", "crate.mtl", "crate.png"):
        shutil.copy(server.folder / name, tmp_path)
    (tmp_path / "bad.stl").write_text("solid a\nendsolid a\n")
    cads = [str(tmp_path / name) for name in ("flange.stl", "crate.obj", "bad.stl")]
    (tmp_path / "cameras").mkdir()
    np.save(tmp_path / "cameras" / "two.npy", camera_poses(0)[[3, 30]])
    poses = ("--camera-poses-path", str(tmp_path / "cameras" / "two.npy"))
    code, out, err = run("render", *cads, "-o", str(tmp_path / "out"), "--server", server.url, *SMALL, *poses, "--json")
    told = json.loads(out)
    states = {Path(job["cad_path"]).name: (job["state"], job["uploaded"]) for job in told["jobs"]}
    assert code == 1 and told["failed"] == 1 and not told["embedded"], err
    assert states == {"flange.stl": ("succeeded", True), "crate.obj": ("succeeded", True), "bad.stl": ("failed", True)}
    assert told["jobs"][2]["error"]["code"] == "cad_invalid" and "[ERROR] bad.stl: job " in err
    assert [len(Templates.read(tmp_path / "out" / name)) for name in ("flange", "crate")] == [2, 2]
    code, out, _ = run("sheet", str(tmp_path / "out" / "crate"), "--kind", "rgb")
    assert code == 0 and (tmp_path / "out" / "crate" / "contact_sheet.png").stat().st_size > 5_000


def test_an_interrupted_command_leaves_its_job_and_the_same_command_takes_it_up(server: Server) -> None:
    words = ["render", str(server.folder / "knot.ply"), "-o", str(server.folder / "interrupted"), "--server", server.url]
    words += ["--resolution", "512", "--samples", "256", "--json"]  # It would take minutes.
    first = begin(*words)
    with Client(server.url) as client:
        try:
            wait_until(lambda: [job for job in client.jobs("running") if job.id.startswith("cli-")], "its job")
            first.send_signal(signal.SIGINT)
            _, err = first.communicate(timeout=60)
            (job,) = [job for job in client.jobs("running") if job.id.startswith("cli-")]
            assert first.returncode == 130 and f"render-server cancel {job.id}" in err and "the same command again" in err
            second = begin(*words)
            assert second.stderr is not None
            goes_on = f"[INFO] knot.ply: goes on with job {job.id} of an earlier command\n"
            # Where the server is slow to answer, lines of progress come before it.
            assert goes_on in iter(second.stderr.readline, "")
        finally:
            first.kill()
            for left in [job for job in client.jobs("running") if job.id.startswith("cli-")]:
                client.cancel(left)
        out, err = second.communicate(timeout=60)
        (told,) = json.loads(out)["jobs"]
    assert second.returncode == 1 and (told["job_id"], told["resumed"], told["uploaded"]) == (job.id, True, False)
    assert told["error"]["code"] == "canceled" and f"job {job.id} canceled" in err


def test_a_job_that_waits_for_an_equal_one_names_it(server: Server) -> None:
    with Client(server.url) as client:
        options: dict[str, Any] = {"resolution": 256, "samples": 100, "upload": False}  # Minutes, but for the cancel.
        first, second = (client.submit(server.folder / "knot.ply", output_dir=server.folder / f"equal{n}", **options) for n in (1, 2))

        def waits() -> bool:
            told = {job.id: job.waiting_for for job in map(client.job, (first, second))}
            return f"job {first.id}, which renders the same" in (told[second.id] or "") or first.id in (told[first.id] or "")

        try:
            wait_until(waits, "one of them to wait for the other")
            code, out, _ = run("status", second.id, "--server", server.url)
            assert code == 0 and f"waits for job {first.id}" in out
        finally:
            code, out, _ = run("cancel", first.id, second.id, "none", "--server", server.url)
        assert code == 1 and out.splitlines() == [f"[INFO] {first.id}: canceled", f"[INFO] {second.id}: canceled"]
        code, out, _ = run("logs", "-f", second.id, "--server", server.url)
        assert code == 0 and "job canceled" in out.splitlines()[-1]


def test_who_has_seen_enough_of_a_list_ends_it_quietly(server: Server) -> None:
    for _ in range(3):
        server.render("flange.stl", "piped", resolution=64, samples=1)
    jobs = f"{sys.executable} -m serve_app.cli.main jobs --limit 1000 --json --server {server.url}"
    done = subprocess.run(["bash", "-c", f"{jobs} | head -n 1"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "{\n" and done.stderr == ""
    code, out, _ = run("top", "--server", server.url)  # No terminal: once.
    assert code == 0 and "jobs: 0 running, 0 queued" in out


def test_without_a_server_one_is_started_and_stopped(server: Server, tmp_path: Path) -> None:
    shutil.copy(server.folder / "flange.stl", tmp_path)
    environment = {"XDG_STATE_HOME": str(tmp_path / "state"), "RENDER_SERVER_PORT": str(free_port()), "RENDER_SERVER_URL": ""}
    process = begin("render", str(tmp_path / "flange.stl"), "-o", str(tmp_path / "out"), *SMALL, **environment)
    wait_until(lambda: _servers_of(process) or process.poll() is not None, "its server")
    seen = _servers_of(process)
    out, err = process.communicate(timeout=400)
    lines = out.splitlines()
    assert process.returncode == 0, out + err
    assert "no server answers at" in lines[0] and "starting one for this command" in lines[0]
    assert lines[-1] == "[INFO] the server of this command has been stopped" and any(line.startswith("[SUCCESS] 42 ") for line in lines)
    assert len(Templates.read(tmp_path / "out" / "flange")) == 42
    assert list((tmp_path / "state" / "render-server").iterdir()) == []
    assert seen and not [pid for pid in psutil.pids() if _session_of(pid) in seen]


def _servers_of(process: subprocess.Popen[str]) -> set[int]:
    try:
        return {child.pid for child in psutil.Process(process.pid).children() if "server_driver" in " ".join(child.cmdline())}
    except psutil.Error:
        return set()


def _session_of(pid: int) -> int | None:
    try:
        return None if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE else os.getsid(pid)
    except (OSError, psutil.Error):
        return None


@pytest.mark.parametrize("words", [("doctor", "--json")])
def test_the_doctor_looks_at_this_machine(words: tuple[str, ...]) -> None:
    code, out, _ = run(*words)
    found = {finding["name"]: finding for finding in json.loads(out)}
    assert {"Python", "system libraries", "GPU", "port", "/dev/shm", "RENDER_DATA_DIR", "kernel sandbox", "API key"} <= set(found)
    assert code == int(any(finding["level"] == "error" for finding in found.values()))
