"""CADs that take too long to trace: their jobs fail with a sentence, and cost no renderer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.hard_cads import write
from render_actor.contract.cameras import camera_poses
from tests.faults.fault_server import FaultServer
from tests.wait import wait_until

RENDERERS = 2
SLOW: dict[str, Any] = {"resolution": 256, "samples": 64}
FEW_PIXELS: dict[str, Any] = {"resolution": 64, "samples": 512}
"""Too few for a trial before the sampling, from the cameras ``LOWER``."""
BOUNDED: dict[str, Any] = {"resolution": 256, "quality": "standard"}
UPPER, LOWER = slice(0, 5), slice(5, 8)
"""Cameras that see the layers from above, and rather from the side. Which view fails its job is chance, so that all views of a case must be
of one kind: of layers that are seen edge-on too few pixels are left for a trial to be sure, and the time limit decides."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultServer]:
    """A server that is less patient than by default, so that CADs need not be as slow as to keep a test."""
    fault_server = FaultServer(tmp_path_factory.mktemp("slow"), {"RENDER_MAX_VIEW_SLOWDOWN": "3"})
    try:
        fault_server.start()
        wait_until(lambda: len(ready(fault_server)) == RENDERERS, lambda: ready(fault_server))
        yield fault_server
        fault_server.audit(everything=True)
    finally:
        fault_server.stop()


def ready(server: FaultServer) -> list[tuple[str, int, int]]:
    """Renderers that are ready: their id, process and restarts."""
    with server.http() as http:
        renderers = http.get("/api/v1/status").json()["renderers"]
    return sorted((one["id"], one["pid"], one["restarts"]) for one in renderers if one["state"] == "ready")


def images(server: FaultServer, job_id: str) -> dict[str, bytes]:
    """The files of a job's templates."""
    folder = Path(server.job(job_id)["templates_dir"])
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("kind", "size", "options", "cameras", "cause"),
    [
        ("layers", 900, SLOW, UPPER, "it would take"),
        ("needles", 30_000, SLOW, UPPER, "it would take"),
        ("layers", 900, FEW_PIXELS, LOWER, "Cycles was stopped"),
        ("needles", 100_000, BOUNDED, UPPER, "it would take"),
    ],
    ids=["layers, before sampling", "needles, before sampling", "layers, by the time limit", "needles, with an error bound"],
)
def test_a_cad_that_is_slow_to_trace_fails_alone_and_costs_no_renderer(
    server: FaultServer, kind: str, size: int, options: dict[str, Any], cameras: slice, cause: str
) -> None:
    before = server.submit("crate.obj", "before", **server.few)
    assert server.wait_for_all([before]) == {"succeeded": 1}
    renderers = wait_until(lambda: ready(server) if len(ready(server)) == RENDERERS else [], lambda: ready(server))
    cad = write(kind, size, server.folder)
    beside = server.submit("flange.stl", "beside")
    poses = server.folder / "cameras.npy"
    np.save(poses, camera_poses(0)[cameras])
    slow = server.submit(cad.name, "slow", **options, camera_poses_path=str(poses))
    beside_too = server.submit("knot.ply", "beside", **server.few)
    server.wait_for_all([slow, beside, beside_too])

    record, log = server.job(slow), (server.folder / "logs" / f"{slow}.log").read_text()
    assert record["status"] == "failed" and record["error"]["code"] == "view_too_slow", record
    assert record["error"]["field"] == "cad_path" and "lower resolution or samples" in record["error_message"]
    assert cause in log and "rendered again" not in log, log
    assert max(server.begun(slow).values()) == 1 and server.begun(slow).total() <= 2 * RENDERERS
    assert not (server.folder / "out" / slow).exists()
    assert not server.errors([beside, beside_too])

    after = server.submit("crate.obj", "after", **server.few)
    assert server.wait_for_all([after]) == {"succeeded": 1}
    assert images(server, after) == images(server, before)
    wait_until(lambda: ready(server) == renderers, lambda: (ready(server), renderers))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["ball", "parts"])
def test_an_ordinary_cad_is_rendered_however_large_it_is(server: FaultServer, kind: str) -> None:
    cad = write(kind, 300_000, server.folder)
    job = server.submit(cad.name, kind, **server.few)
    assert server.wait_for_all([job]) == {"succeeded": 1}, server.errors([job])
