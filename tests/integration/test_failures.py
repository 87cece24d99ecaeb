"""What goes wrong is said clearly, leaves nothing half written, and harms no other job."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import trimesh

from render_actor.contract.cameras import camera_poses
from serve_app.base.api_key import NO_KEY
from serve_app.cli.client import Client
from tests.http_client import http_client
from tests.integration.conftest import ROOT, Server, start_server
from tests.wait import wait_until

SMALL = {"resolution": 64, "samples": 1}


def write_bad_cads(folder: Path) -> None:
    (folder / "bad").mkdir(exist_ok=True)
    (folder / "bad" / "noise.ply").write_bytes(os.urandom(500))
    (folder / "bad" / "points.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n")
    (folder / "bad" / "nan.obj").write_text("v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    (folder / "bad" / "dot.obj").write_text("v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n")
    far = trimesh.creation.box(extents=(10, 10, 10))
    far.apply_translation((5000, 0, 0))
    far.export(folder / "bad" / "far.stl")
    trimesh.creation.box(extents=(1.9, 0.2, 0.2)).export(folder / "bad" / "close.stl")
    trimesh.creation.box(extents=(40, 40, 40)).export(folder / "bad" / "huge.stl")


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"cad_path": "gone.ply"}, 404, "cad_not_found", "cad_path"),
        ({"cad_path": "bad"}, 422, "cad_not_a_file", "cad_path"),
        ({"cad_path": "server.log"}, 415, "cad_format_unsupported", "cad_path"),
        ({"cad_path": "/etc/hostname"}, 403, "path_outside_roots", "cad_path"),
        ({"output_dir": "/etc/render"}, 403, "path_outside_roots", "output_dir"),
        ({"output_dir": "server.log/x"}, 403, "output_not_writable", "output_dir"),
        ({"base_color": 2}, 422, "validation_error", "base_color"),
        ({"colour": 1}, 422, "validation_error", "colour"),
        ({"camera_poses_path": "none.npy"}, 404, "not_found", "camera_poses_path"),
    ],
)
def test_a_bad_request_is_refused_before_it_is_a_job(server: Server, changes: dict[str, Any], status: int, code: str, field: str) -> None:
    write_bad_cads(server.folder)
    request = {"cad_path": "knot.ply", "output_dir": "refused", **SMALL, **changes}
    for name in ("cad_path", "output_dir", "camera_poses_path"):
        if name in request:
            request[name] = str(server.folder / request[name])
    with server.http() as http:
        before = http.get("/jobs").json()["total"]
        for path in ("/render/templates", "/api/v1/render-templates"):
            response = http.post(path, json=request)
            assert response.status_code == status, response.text
            assert set(response.json()) == {"detail", "code", "field"}
            assert (response.json()["code"], response.json()["field"]) == (code, field)
        assert http.get("/jobs").json()["total"] == before
    assert not (server.folder / "refused").exists()


def test_unknown_addresses_have_the_same_form(server: Server) -> None:
    with server.http() as http:
        for response, status in ((http.get("/nowhere"), 404), (http.get("/jobs/none"), 404), (http.put("/jobs"), 405)):
            assert response.status_code == status and set(response.json()) == {"detail", "code", "field"}
        broken = http.post("/render/templates", content=b"{not json", headers={"content-type": "application/json"})
        assert broken.status_code == 422 and "not JSON" in broken.json()["detail"]


@pytest.mark.parametrize(
    ("cad", "options", "code", "words"),
    [
        ("bad/noise.ply", {}, "cad_invalid", "CAD file not found or invalid format"),
        ("bad/points.obj", {}, "cad_invalid", "no faces"),
        ("bad/nan.obj", {}, "cad_invalid", "NaN"),
        ("bad/dot.obj", {}, "cad_invalid", "no size"),
        ("bad/far.stl", {}, "view_blank", "recenter=true"),
        ("bad/close.stl", {"normalize": False}, "view_clipped", "normalize=true"),
        ("bad/huge.stl", {"normalize": False}, "camera_inside_object", "normalize=true"),
        ("knot.ply", {"camera_poses_path": "aside.npy"}, "view_blank", "camera_poses_path"),
        ("knot.ply", {"camera_poses_path": "flat.npy"}, "poses_invalid", "shape"),
    ],
)
def test_a_bad_job_fails_with_its_reason_and_leaves_nothing(
    server: Server, cad: str, options: dict[str, Any], code: str, words: str
) -> None:
    write_bad_cads(server.folder)
    aside = camera_poses(0)[:1].copy()
    aside[0, 0, 3] += 5000
    np.save(server.folder / "aside.npy", aside)
    np.save(server.folder / "flat.npy", np.zeros((4, 4)))
    if "camera_poses_path" in options:
        options = {**options, "camera_poses_path": str(server.folder / options["camera_poses_path"])}
    job = server.render(cad, f"failed/{code}", **SMALL, **options)
    assert job["status"] == "failed" and job["success"] is False and job["returncode"] != 0
    assert job["error"]["code"] == code and words in job["error_message"] and job["error"]["detail"] == job["error_message"]
    assert job["templates_generated"] == 0
    assert json.dumps(job["error_message"])[1:40] in server.log(job["job_id"])
    assert not (server.folder / "failed" / code).exists()
    with server.http() as http:
        request = {"cad_path": str(server.folder / cad), "output_dir": str(server.folder / "failed" / code), **SMALL, **options}
        response = http.post("/api/v1/render-templates", json=request)
    assert response.status_code == 422 and response.json()["code"] == code


def test_an_earlier_templates_folder_outlives_a_failed_job(server: Server) -> None:
    first = server.render("flange.stl", "kept", **SMALL)
    folder = Path(first["templates_dir"])
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    write_bad_cads(server.folder)
    failed = server.render("bad/nan.obj", "kept", **SMALL)
    assert failed["status"] == "failed"
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert os.listdir(folder.parent) == ["templates"]


def test_a_killed_blender_is_replaced_and_its_views_rendered_again(server: Server) -> None:
    with server.http() as http:
        request: dict[str, Any] = {"cad_path": str(server.folder / "knot.ply"), "output_dir": str(server.folder / "survivor")}
        request |= {"resolution": 128, "samples": 40}
        job_id = http.post("/render/templates", json=request).json()["job_id"]
        server.wait_for_views(job_id, 3)
        victim = next(r for r in http.get("/api/v1/status").json()["renderers"] if r["state"] == "busy")
        assert "BlenderActor" in " ".join(psutil.Process(victim["pid"]).cmdline())
        os.kill(victim["pid"], signal.SIGKILL)
    job = Client(server.url).follow(job_id, lambda done, total: None)
    assert job["status"] == "succeeded" and job["templates_generated"] == 42
    assert "views are rendered again" in server.log(job_id)
    assert len(os.listdir(job["templates_dir"])) == 42 * 3 + 1
    assert os.listdir(server.folder / "survivor") == ["templates"]


def test_an_open_server_whose_blender_will_not_start_says_so_and_fails_the_job_with_the_cause(tmp_path: Path) -> None:
    """It also listens on every address without a key, and has a kernel without Landlock, and says so: one more server for that alone
    would cost 20 s."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        f"import sys\nsys.path.append({str(ROOT)!r})\nfrom tests.refused_call import *\nrefuse_call(LANDLOCK_CREATE_RULESET, 1)\n"
    )
    (broken / "bpy.py").write_text("raise ImportError('libSM.so.6: cannot open shared object file')\n")
    trimesh.creation.box(extents=(10, 20, 30)).export(tmp_path / "box.stl")
    log = tmp_path / "server.log"
    with start_server(tmp_path, {"PYTHONPATH": str(broken), "RENDER_API_KEY": ""}, host="0.0.0.0") as process:
        client = Client(process.url)
        wait_until(lambda: client.answers() or process.ended, log.read_text)
        wait_until(lambda: NO_KEY in log.read_text(), log.read_text, seconds=30)
        wait_until(lambda: "no Landlock, since the container's seccomp profile refuses it" in log.read_text(), log.read_text, seconds=30)
        job = Server(process.url, tmp_path, process.process.pid).render("box.stl", "out", **SMALL)
        assert client.get("/api/v1/status")["renderer_ready"] is False
        with http_client(process.url, 30) as http:
            unready = http.get("/ready")
    assert unready.status_code == 503 and unready.json()["code"] == "not_ready" and int(unready.headers["Retry-After"]) > 0
    assert job["status"] == "failed" and job["error"]["code"] == "renderer_start_failed"
    assert "Failed to initialize BlenderProc" in job["error_message"] and "libSM.so.6" in job["error_message"]
    assert "system libraries" in job["error_message"] and not (tmp_path / "out").exists()
