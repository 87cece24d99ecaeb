"""Disks that get full."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.disks.mounts import inside, needs_mounts, status_of
from tests.faults.fault_server import FaultServer


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
        doomed = request | {"samples": 64}  # It does not end before the disk is full.
        job_id = http.post("/render/templates", json=doomed).json()["job_id"]
        small.wait_for_views(job_id, 3)
        try:
            inside(small, f"dd if=/dev/zero of={out}/filler bs=64k 2>/dev/null; true")
            assert small.wait_for_all([job_id]) == {"failed": 1}
            record = small.job(job_id)
            assert record["error"]["code"] == "storage_full", record
        finally:
            inside(small, f"rm -f {out}/filler")
        assert inside(small, f"cd {out}/kept/templates && sha256sum *") == before
        assert inside(small, f"ls -A {out}/kept").split() == ["templates"]
        assert http.post("/render/templates", json=request, params={"wait": "true"}).json()["status"] == "succeeded"
