"""Disks that are full, read only or damaged."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve_app.jobs.states import FINAL_STATES
from tests.faults.conftest import full_only
from tests.faults.fault_server import FaultServer, check_templates

CAN_MOUNT = (
    os.geteuid() == 0
    and shutil.which("nsenter") is not None
    and subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0
)
needs_mounts = pytest.mark.skipif(not CAN_MOUNT, reason="mounting a small disk needs root and unshare")


def can_loop() -> bool:
    """Whether disks can be made of files, and told to have an error."""
    return shutil.which("mkfs.ext4") is not None and Path("/dev/loop-control").exists() and Path("/sys/fs/ext4").is_dir()


needs_loop = pytest.mark.skipif(not can_loop(), reason="a disk with errors needs loop devices and ext4")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultServer]:
    """A server in a mount namespace of its own, with small disks for its output, its data and its shared memory."""
    folder = tmp_path_factory.mktemp("small")
    for name in ("out", "data"):
        (folder / name).mkdir()
    mounts = (
        f"mount -t tmpfs -o size=40m tmpfs {folder}/out && mount -t tmpfs -o size=40m tmpfs {folder}/data && "
        'mount -t tmpfs -o size=800m tmpfs /dev/shm && exec "$@"'
    )
    server = FaultServer(folder, {"RENDER_MIN_FREE_BYTES": str(4 << 20)}, prefix=["unshare", "--mount", "sh", "-c", mounts, "sh"])
    try:
        server.start()
        yield server
    finally:
        server.stop()


def inside(server: FaultServer, command: str) -> str:
    """Run a command in the server's mount namespace."""
    pid = server.pids("ingress")[0]
    return subprocess.run(["nsenter", "-t", str(pid), "-m", "sh", "-c", command], check=True, capture_output=True, text=True).stdout


def status_of(server: FaultServer, name: str) -> tuple[int, str]:
    with server.http() as http:
        response = http.put(f"/jobs/{name}", json=server.body("crate.obj", name))
    if response.status_code == 200:
        server.accepted[name] = "queued"
    return response.status_code, response.json().get("code", "")


@needs_mounts
def test_a_disk_that_is_nearly_full_closes_the_door(small: FaultServer) -> None:
    for number, full in enumerate((f"{small.folder}/out", f"{small.folder}/data", "/dev/shm")):
        inside(small, f"fallocate -l $(($(df --output=avail -B1 {full} | tail -1) - 3145728)) {full}/filler")
        assert status_of(small, f"refused{number}") == (507, "storage_full")
        inside(small, f"rm {full}/filler")
        assert status_of(small, f"welcome{number}")[0] == 200
    assert set(small.wait_for_all()) == {"succeeded"}


@needs_mounts
def test_a_disk_that_fills_up_in_the_middle_fails_the_job_and_keeps_the_earlier_folder(small: FaultServer) -> None:
    out = small.folder / "out"
    with small.http() as http:
        first = http.post("/render/templates", json=small.body("crate.obj", "kept"), params={"wait": "true"}).json()
        assert first["status"] == "succeeded", first
        before = inside(small, f"cd {out}/kept/templates && sha256sum *")
        request = small.body("crate.obj", "kept", resolution=256, samples=8)
        job_id = http.post("/render/templates", json=request).json()["job_id"]
        while http.get(f"/jobs/{job_id}").json()["rendered_count"] < 3:
            time.sleep(0.05)
        inside(small, f"dd if=/dev/zero of={out}/filler bs=64k 2>/dev/null; true")
        while "ended_at" not in (record := http.get(f"/jobs/{job_id}").json()):
            time.sleep(0.1)
        assert record["status"] == "failed" and record["error"]["code"] == "storage_full", record
        inside(small, f"rm {out}/filler")
        assert inside(small, f"cd {out}/kept/templates && sha256sum *") == before
        assert inside(small, f"ls -A {out}/kept").split() == ["templates"]
        assert http.post("/render/templates", json=request, params={"wait": "true"}).json()["status"] == "succeeded"


@needs_mounts
def test_shared_memory_that_fills_up_in_the_middle_loses_no_job(tmp_path: Path) -> None:
    mount = 'mount -t tmpfs -o size=800m tmpfs /dev/shm && exec "$@"'
    server = FaultServer(tmp_path, prefix=["unshare", "--mount", "sh", "-c", mount, "sh"])
    try:
        server.start()
        jobs = [server.submit("crate.obj", "shm", resolution=256, samples=4 + number) for number in range(3)]
        while server.job(jobs[0])["rendered_count"] < 3:
            time.sleep(0.05)
        inside(server, "dd if=/dev/zero of=/dev/shm/filler bs=64k 2>/dev/null; true")
        time.sleep(3)
        assert server.process is not None
        if server.process.ended:  # Ray's object store may die of it; whoever runs the server starts it again.
            server.stop()
            server.start(ready=False)
        else:
            inside(server, "rm /dev/shm/filler")
        assert server.wait_for_all() == {"succeeded": len(jobs)}
        server.audit()
        last = server.submit("crate.obj", "after")
        server.wait_for_all()
        assert server.job(last)["status"] == "succeeded"
    finally:
        server.stop()


@needs_mounts
@needs_loop
def test_a_data_disk_that_goes_read_only_refuses_new_jobs_and_loses_none(tmp_path: Path) -> None:
    """As a disk with errors does: the kernel takes it away under the open store."""
    image, data = tmp_path / "data.img", tmp_path / "data"
    data.mkdir()
    subprocess.run(["truncate", "--size=64M", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    mount = f'mount -o loop,errors=remount-ro {image} {data} && exec "$@"'
    server = FaultServer(tmp_path, prefix=["unshare", "--mount", "sh", "-c", mount, "sh"])
    try:
        server.start()
        ended = server.submit("crate.obj", "before")
        server.wait_for_all()
        running = server.submit("crate.obj", "running", resolution=128, samples=30)
        queued = [server.submit("flange.stl", "queued", samples=1 + number, priority="batch") for number in range(6)]
        while server.job(running)["rendered_count"] < 3:
            time.sleep(0.05)
        device = Path(inside(server, f"findmnt --noheadings --output SOURCE {data}").strip()).name
        Path("/sys/fs/ext4", device, "trigger_fs_error").write_text("a test's")
        assert "ro" in inside(server, f"findmnt --noheadings --output OPTIONS {data}").replace("errors=remount-ro", "")
        assert status_of(server, "refused") == (503, "store_unavailable")
        until = time.monotonic() + 120
        for job_id in (running, *queued):
            while server.job(job_id)["status"] not in FINAL_STATES:
                assert time.monotonic() < until, server.job(job_id)
                time.sleep(0.1)
            assert server.job(job_id)["status"] == "succeeded", server.job(job_id)
        server.kill_everything()
        subprocess.run(["e2fsck", "-fy", image], check=False, capture_output=True)
        server.start(ready=False)
        server.wait_for_all()
        assert {server.job(job_id)["status"] for job_id in (ended, running, *queued)} == {"succeeded"}
        server.audit()
    finally:
        server.stop()


@full_only
def test_a_damaged_store_stops_the_server_and_is_left_as_it_is(tmp_path: Path) -> None:
    server = FaultServer(tmp_path)
    server.data.mkdir()
    database = server.data / "jobs.sqlite3"
    database.write_bytes(b"SQLite format 3\0" + os.urandom(8192))
    content = database.read_bytes()
    try:
        with pytest.raises(AssertionError):
            server.start()
        assert "is damaged or cannot be used" in (tmp_path / "server.log").read_text()
        assert "move jobs.sqlite3" in (tmp_path / "server.log").read_text()
    finally:
        server.stop()
    assert database.read_bytes() == content


def test_templates_on_a_sound_disk_pass_the_same_audit(tmp_path: Path) -> None:
    """The audit itself can fail: a folder with a changed file does."""
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"job_id": "a", "views": [{"index": 0, "files": {"rgb_0.png": {"sha256": "0"}}}]}')
    (folder / "rgb_0.png").write_bytes(b"x")
    with pytest.raises(AssertionError, match="not what the manifest says"):
        check_templates(folder, "a", 1)
