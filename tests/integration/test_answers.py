"""What the server says of a CAD, and the mesh that it gives to whoever reads the CAD beside the templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from render_actor.contract.cameras import camera_poses
from tests.integration.conftest import Server


@pytest.fixture(scope="module")
def common(server: Server) -> dict[str, Any]:
    np.save(server.folder / "one_answer_pose.npy", camera_poses(0)[[9]])
    return {"camera_poses_path": str(server.folder / "one_answer_pose.npy"), "resolution": 64, "samples": 1}


def xyz_of(job: dict[str, Any]) -> Any:
    return np.load(Path(job["templates_dir"]) / "xyz_0.npy")


def test_a_cad_in_inches_is_told_in_mm_and_its_mesh_renders_to_the_same(server: Server, common: dict[str, Any]) -> None:
    flange = trimesh.load(server.folder / "flange.stl", force="mesh")
    plain = server.render("flange.stl", "answers/plain", **common)
    assert plain["cad"]["unit_from"] == "assumed" and plain["sam6d_cad"] == plain["cad_path"]
    assert not (server.folder / "answers/plain/model_mm.ply").exists()

    inches = flange.copy()
    inches.apply_scale(1 / 25.4)
    inches.export(server.folder / "inches.stl")
    job = server.render("inches.stl", "answers/inches", unit="inch", **common)
    told = server.job(job["job_id"])  # As it is kept.
    assert told["cad"] == job["cad"] and told["sam6d_cad"] == f"{server.folder}/answers/inches/model_mm.ply"
    assert (told["cad"]["unit"], told["cad"]["unit_from"], told["cad"]["faces"]) == ("inch", "request", len(flange.faces))
    assert np.allclose(told["cad"]["size_mm"], flange.extents, rtol=1e-5)
    apart = flange.convex_hull.vertices
    largest = np.linalg.norm(apart[:, None] - apart, axis=2).max()
    assert largest * 0.999 <= told["cad"]["diameter_mm"] <= largest * 1.00001
    manifest = json.loads((Path(job["templates_dir"]) / "manifest.json").read_text())
    assert manifest["cad"]["size_mm"] == told["cad"]["size_mm"] and manifest["mesh"] == "model_mm.ply"

    model = trimesh.load(told["sam6d_cad"], force="mesh")
    assert np.allclose(model.bounds, flange.bounds, atol=1e-3)
    again = server.render("answers/inches/model_mm.ply", "answers/again", **common)
    mask = (xyz_of(job) != -1).any(axis=2)
    assert mask.any() and np.abs(xyz_of(again)[mask].astype(float) - xyz_of(job)[mask].astype(float)).max() < 0.1
    assert np.abs(xyz_of(plain)[mask].astype(float) - xyz_of(job)[mask].astype(float)).max() < 0.1


def test_the_mesh_has_the_looks_goes_with_its_job_and_never_over_a_strangers(server: Server, common: dict[str, Any]) -> None:
    for subfolder, name in ((True, "answers/beside"), (False, "answers/inside")):
        job = server.render("crate.obj", name, outputs=["mesh"], templates_subfolder=subfolder, **common)
        path = server.folder / name / "model_mm.ply"
        assert job["status"] == "succeeded" and path.is_file(), job
        assert job["sam6d_cad"] == job["cad_path"]  # It was in mm already.
        colors = trimesh.load(path, process=False).visual.vertex_colors
        assert len(np.unique(colors, axis=0)) > 1
    job = server.render("crate.obj", "answers/beside", outputs=[], **common)
    assert job["status"] == "succeeded" and not (server.folder / "answers/beside/model_mm.ply").exists()

    stranger = server.folder / "answers/beside/model_mm.ply"
    stranger.write_text("ply\nsomebody's own")
    body = {
        "cad_path": str(server.folder / "crate.obj"),
        "output_dir": str(server.folder / "answers/beside"),
        "outputs": ["mesh"],
        **common,
    }
    with server.http() as http:
        refused = http.post("/render/templates", json=body)
    assert refused.status_code == 409 and refused.json()["code"] == "output_not_replaceable"
    assert stranger.read_text() == "ply\nsomebody's own"


def test_a_cad_is_inspected_without_a_job(server: Server) -> None:
    with server.http() as http:
        jobs = http.get("/jobs", params={"limit": 1}).json()["total"]
        for path in ("/api/v1/cad/inspect", "/cad/inspect"):
            answer = http.post(path, json={"cad_path": str(server.folder / "crate.obj"), "unit": "m"})
            assert answer.status_code == 200, answer.text
            told = answer.json()
            assert (told["format"], told["unit"], told["unit_from"], told["textures"]) == ("obj", "m", "request", 1)
            assert any("larger than most parts" in text and "unit=mm" in text for text in told["warnings"])
            assert any("model_mm.ply" in text for text in told["assumed"])
        (server.folder / "part.sldprt").write_bytes(b"x")
        refused = http.post("/cad/inspect", json={"cad_path": str(server.folder / "part.sldprt")})
        assert refused.status_code == 415 and "export it from SolidWorks" in refused.json()["detail"]
        assert http.post("/cad/inspect", json={"cad_path": "/etc/hostname.stl"}).status_code == 403
        assert http.get("/jobs", params={"limit": 1}).json()["total"] == jobs
