"""Disks and folders that fail under the renderers, which write there themselves: what comes of it is the same whoever writes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.conftest import full_only
from tests.faults.disks.mounts import inside, needs_mounts
from tests.faults.fault_server import FaultServer

pytestmark = needs_mounts


@pytest.fixture(scope="module", params=["auto", pytest.param("direct", marks=full_only), "object_store"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultServer]:
    """A server with a small disk for its output."""
    folder = tmp_path_factory.mktemp(f"sink-{request.param}")
    (folder / "out").mkdir()
    mounts = f'mount -t tmpfs -o size=40m tmpfs {folder}/out && exec "$@"'
    started = FaultServer(folder, {"RENDER_SINK": request.param}, prefix=["unshare", "--mount", "sh", "-c", mounts, "sh"])
    try:
        started.start()
        yield started
    finally:
        started.stop()


@pytest.fixture
def sink(request: pytest.FixtureRequest) -> str:
    """How the server's files come from its renderers."""
    return str(request.node.callspec.params["server"])


def begun(server: FaultServer, name: str, samples: int = 300) -> tuple[str, str]:
    """A job in its middle, with a minute of work left, and the folder that its own folders lie in."""
    job_id = server.submit("crate.obj", name, resolution=128, samples=samples)
    server.wait_for_views(job_id, 3)
    return job_id, f"{server.folder}/out/{job_id}"


def error_of(server: FaultServer, job_id: str) -> str:
    """How a job failed."""
    assert server.wait_for_all([job_id]) == {"failed": 1}
    record = server.job(job_id)
    error = record["error"]
    assert error["field"] == "output_dir" and record["output_dir"] in error["detail"], record
    return str(error["code"])


def test_views_come_the_way_that_is_set(server: FaultServer, sink: str) -> None:
    job_id = server.submit("crate.obj", "way", **server.few)
    assert server.wait_for_all([job_id]) == {"succeeded": 1}
    log = (server.folder / "logs" / f"{job_id}.log").read_text()
    assert ("written_by=server" in log) == (sink == "object_store") != ("written_by=renderer" in log)


def test_a_disk_that_fills_up_fails_the_job_and_leaves_nothing(server: FaultServer) -> None:
    job_id, folder = begun(server, "full")
    try:
        inside(server, f"dd if=/dev/zero of={server.folder}/out/filler bs=64k 2>/dev/null; true")
        assert error_of(server, job_id) == "storage_full"
    finally:
        inside(server, f"rm -f {server.folder}/out/filler")
    assert inside(server, f"ls -A {folder} 2>/dev/null || true") == ""
    assert server.wait_for_all([server.submit("crate.obj", "roomy", **server.few)]) == {"succeeded": 1}


def test_a_disk_that_goes_read_only_fails_the_job(server: FaultServer) -> None:
    job_id, folder = begun(server, "readonly")
    try:
        inside(server, f"until mount -o remount,ro {server.folder}/out 2>/dev/null; do sleep 0.02; done")
        assert error_of(server, job_id) == "output_not_writable"
    finally:
        inside(server, f"mount -o remount,rw {server.folder}/out")
    assert "templates" not in inside(server, f"ls -A {folder}").split()
    inside(server, f"rm -rf {folder}")  # What could not be removed while it was read only.
    assert server.wait_for_all([server.submit("crate.obj", "writable", **server.few)]) == {"succeeded": 1}


def test_folders_that_vanish_fail_the_job_and_leave_nothing(server: FaultServer) -> None:
    job_id, folder = begun(server, "vanished")
    inside(server, f"until rm -rf {folder}; do :; done")
    assert error_of(server, job_id) == "output_not_writable"
    assert inside(server, f"ls -A {folder} 2>/dev/null || true") == ""
    assert server.wait_for_all([server.submit("crate.obj", "there", **server.few)]) == {"succeeded": 1}


def test_through_a_link_in_the_place_of_the_renderers_folder_nothing_is_written(server: FaultServer, sink: str) -> None:
    if sink == "object_store":
        pytest.skip("there is no such folder")
    job_id, folder = begun(server, "link", 60)
    outside = f"{server.folder}/out/outside"
    inside(
        server, f"mkdir -p {outside} && cd {folder} && name=$(echo .render-*.arrivals) && mv $name {outside}-moved && ln -s {outside} $name"
    )
    if sink == "direct":
        assert error_of(server, job_id) == "output_not_writable"
    else:  # The server's own folder is still what it was.
        assert server.wait_for_all([job_id]) == {"succeeded": 1}
        assert "came through the object store" in (server.folder / "logs" / f"{job_id}.log").read_text()
    assert inside(server, f"ls -A {outside}; ls -A {outside}-moved") == ""
    inside(server, f"rm -rf {outside} {outside}-moved {folder}/.render-*.arrivals")
