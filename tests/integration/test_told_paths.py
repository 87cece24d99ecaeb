"""What answers tell of the server's disks: the paths that the client sent, and no others."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from render_actor.contract.cameras import camera_poses
from tests.integration.conftest import Server


@pytest.fixture(scope="module")
def linked(server: Server) -> Path:
    """The server's folder under another name, which a client uses: whatever tells the real one has resolved it."""
    folder = server.folder.with_name(f"{server.folder.name}-linked")
    if not folder.exists():
        folder.symlink_to(server.folder)
    np.save(server.folder / "one_pose.npy", camera_poses(0)[[8]])
    return folder


def told(http: httpx.Client, job: dict[str, Any]) -> str:
    """Everything that the server answers of a job."""
    answers = [http.get(f"/jobs/{job['job_id']}"), http.delete(f"/jobs/{job['job_id']}")]
    listed = [other for other in http.get("/jobs", params={"limit": 5}).json()["jobs"] if other["job_id"] == job["job_id"]]
    assert listed
    return json.dumps([job, *listed, *(answer.json() for answer in answers)])


@pytest.mark.parametrize("cad", ["knot.ply", "broken.ply", "textured.obj"])
def test_an_answer_has_no_path_of_the_servers_own(server: Server, linked: Path, cad: str) -> None:
    (server.folder / "broken.ply").write_bytes(b"ply\nformat ascii 1.0\nelement vertex 3\n")
    (server.folder / "textured.obj").write_text("mtllib none.mtl\n" + "v 0 0 0\nv 9 0 0\nv 0 9 3\nv 0 0 9\nusemtl m\nf 1 2 3\nf 1 2 4\n")
    asked = {
        "cad_path": str(linked / cad),
        "output_dir": f"{linked}/told/{cad}",
        "camera_poses_path": str(linked / "one_pose.npy"),
        "resolution": 64,
        "samples": 1,
    }
    with server.http() as http:
        job = http.post("/render/templates", params={"wait": "true"}, json=asked).json()
        item = http.post("/api/v1/render-templates-batch", json=[{**asked, "output_dir": f"{linked}/told/batch-{cad}"}]).json()
        everything = told(http, job) + json.dumps(item)
    assert job["status"] == ("failed" if cad == "broken.ply" else "succeeded"), job
    assert str(server.folder) not in everything.replace(str(linked), "")
    assert os.getcwd() not in everything
    assert job["templates_dir"] == f"{linked}/told/{cad}/templates" and job["log_path"] == f"logs/{job['job_id']}.log"
    if cad != "broken.ply":
        assert item["results"][0]["result"]["output_dir"] == f"{linked}/told/batch-{cad}/templates"
        manifest = (Path(job["templates_dir"]) / "manifest.json").read_text()
        assert str(server.folder) not in manifest.replace(str(linked), "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"cad_path": "none.ply"},
        {"cad_path": "logs"},
        {"cad_path": "logs/x.ply"},
        {"output_dir": "knot.ply"},
        {"output_dir": "", "templates_subfolder": False},
        {"camera_poses_path": "knot.ply"},
    ],
)
def test_a_refusal_names_what_was_asked_alone(server: Server, linked: Path, wrong: dict[str, Any]) -> None:
    asked = {"cad_path": "knot.ply", "output_dir": "told/refused"} | wrong
    body = {name: f"{linked}/{value}" if isinstance(value, str) else value for name, value in asked.items()}
    with server.http() as http:
        answer = http.post("/render/templates", json=body)
    assert answer.status_code >= 400 and str(server.folder) not in answer.text.replace(str(linked), "")
