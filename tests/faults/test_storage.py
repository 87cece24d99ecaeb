"""Disks that are full, read only or damaged."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import full_only
from tests.faults.fault_server import FaultServer, check_templates

CAN_MOUNT = (
    os.geteuid() == 0
    and shutil.which("nsenter") is not None
    and subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0
)
needs_mounts = pytest.mark.skipif(not CAN_MOUNT, reason="mounting a small disk needs root and unshare")


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
        while (record := http.get(f"/jobs/{job_id}").json())["ended_at"] is None:
            time.sleep(0.1)
        assert record["status"] == "failed" and record["error"]["code"] == "storage_full", record
        inside(small, f"rm {out}/filler")
        assert inside(small, f"cd {out}/kept/templates && sha256sum *") == before
        assert inside(small, f"ls -A {out}/kept").split() == ["templates"]
        assert http.post("/render/templates", json=request, params={"wait": "true"}).json()["status"] == "succeeded"


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
