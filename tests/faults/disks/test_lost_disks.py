"""Shared memory that is gone, a disk that goes read only, a damaged store."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import full_only
from tests.faults.disks.mounts import can_loop, inside, needs_loop, needs_mounts, status_of
from tests.faults.fault_server import FaultServer
from tests.wait import wait_until


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultServer]:
    """A server with a small shared memory and, where disks can be made of files, such a disk for its data; it may be started again."""
    folder = tmp_path_factory.mktemp("fragile")
    (folder / "data").mkdir()
    mounts = "mount -t tmpfs -o size=800m tmpfs /dev/shm"
    if can_loop():
        subprocess.run(["truncate", "--size=64M", folder / "data.img"], check=True)
        subprocess.run(["mkfs.ext4", "-q", folder / "data.img"], check=True)
        mounts += f" && mount -o loop,errors=remount-ro {folder}/data.img {folder}/data"
    server = FaultServer(folder, prefix=["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh"])
    try:
        server.start()
        yield server
    finally:
        server.stop()


@needs_mounts
def test_shared_memory_that_fills_up_in_the_middle_loses_no_job(fragile: FaultServer) -> None:
    jobs = [fragile.submit("crate.obj", "shm", resolution=256, samples=8 + number) for number in range(2)]
    fragile.wait_for_views(jobs[0], 3)
    # At one stroke, and then the last pages: written block by block it takes as long as the jobs on a busy machine.
    free_kib = "df --output=avail -k /dev/shm | tail -1"
    fill = f"fallocate -l $({free_kib})K /dev/shm/filler; dd if=/dev/zero of=/dev/shm/rest bs=4k status=none; {free_kib}"
    assert int(inside(fragile, fill)) == 0
    assert fragile.process is not None
    process = fragile.process

    def begun() -> int:
        return sum(fragile.begun(job_id).total() for job_id in jobs)

    enough = min(begun() + 6, 42 * len(jobs))
    wait_until(lambda: process.ended or begun() >= enough, fragile.log_tail)
    if process.ended:  # Ray's object store may die of it; whoever runs the server starts it again.
        fragile.stop()
        fragile.start(ready=False)
    else:
        inside(fragile, "rm -f /dev/shm/filler /dev/shm/rest")
    assert fragile.wait_for_all(jobs) == {"succeeded": len(jobs)}
    assert fragile.wait_for_all([fragile.submit("crate.obj", "after", **fragile.few)]) == {"succeeded": 1}
    fragile.audit()


@needs_mounts
@needs_loop
def test_a_data_disk_that_goes_read_only_refuses_new_jobs_and_loses_none(fragile: FaultServer) -> None:
    """As a disk with errors does: the kernel takes it away under the open store."""
    ended = fragile.submit("crate.obj", "before", **fragile.few)
    fragile.wait_for_all([ended])
    running = fragile.submit("crate.obj", "running", resolution=128, samples=30)
    queued = [fragile.submit("flange.stl", "queued", samples=1 + number, priority="batch", **fragile.few) for number in range(6)]
    fragile.wait_for_views(running, 3)
    data = fragile.data
    device = Path(inside(fragile, f"findmnt --noheadings --output SOURCE {data}").strip()).name
    Path("/sys/fs/ext4", device, "trigger_fs_error").write_text("a test's")
    assert "ro" in inside(fragile, f"findmnt --noheadings --output OPTIONS {data}").replace("errors=remount-ro", "")
    assert status_of(fragile, "refused") == (503, "store_unavailable")
    assert fragile.wait_for_all([running, *queued]) == {"succeeded": 7}
    fragile.kill_everything()
    subprocess.run(["e2fsck", "-fy", fragile.folder / "data.img"], check=False, capture_output=True)
    fragile.start(ready=False)
    assert fragile.wait_for_all([ended, running, *queued]) == {"succeeded": 8}
    fragile.audit()


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
