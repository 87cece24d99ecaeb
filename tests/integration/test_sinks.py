"""The ways that files come from the renderers: whichever it is, they are the same bytes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from render_actor.contract.cameras import camera_poses
from serve_app.cli.client import Client
from serve_app.cli.demo import wait_for_renderer
from serve_app.templates.checker.contract import check_contract
from tests.integration.conftest import ROOT, Server, start_server

VIEWS = 9
OPTIONS = {"resolution": 160, "samples": 4}


@pytest.fixture(scope="module")
def sending(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose renderers send their files."""
    folder = tmp_path_factory.mktemp("sending")
    with start_server(folder, {"RENDER_SINK": "object_store", "RENDER_INPUT_ROOTS": f"{folder}:{ROOT / 'examples'}"}) as process:
        wait_for_renderer(process, Client(process.url), folder / "server.log")
        yield Server(process.url, folder, process.process.pid)


def files_of(server: Server, cad: Path) -> tuple[dict[str, bytes], str]:
    """What a server makes of a CAD, without the manifest, and the job's log."""
    np.save(server.folder / "nine.npy", camera_poses(0)[:VIEWS])
    job = server.render(str(cad), f"sinks-{cad.stem}", camera_poses_path=str(server.folder / "nine.npy"), **OPTIONS)
    assert job["status"] == "succeeded" and job["rendered_count"] == VIEWS and not job["cached"], job
    folder = Path(job["templates_dir"])
    assert not check_contract(folder, VIEWS)
    assert [path.name for path in folder.parent.iterdir()] == ["templates"]
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}, server.log(job["job_id"])


@pytest.mark.parametrize("cad", ["crate.obj", "knot.ply"])
def test_files_of_both_sinks_are_the_same_bytes(server: Server, sending: Server, cad: str) -> None:
    for part in (ROOT / "examples").glob(f"{Path(cad).stem}.*"):
        shutil.copy(part, server.folder)
    written, log = files_of(server, server.folder / cad)
    sent, log_of_sent = files_of(sending, ROOT / "examples" / cad)
    assert len(written) == 3 * VIEWS and written == sent
    assert log.count("written_by=renderer") == VIEWS and log_of_sent.count("written_by=server") == VIEWS, log + log_of_sent
