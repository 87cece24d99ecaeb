"""CADs of clients that do not share the server's disk: sent, looked at, rendered, fetched."""

from __future__ import annotations

import io
import json
import shutil
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tusclient.client import TusClient

from serve_app.http.received import UNDECLARED_BYTES
from tests.integration.conftest import Server

QUICK = {"resolution": 64, "samples": 1}


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.fixture(scope="module")
def poses(server: Server) -> dict[str, Any]:
    """Options of a job of one view."""
    pose = np.array([[[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 1000], [0, 0, 0, 1]]], float)
    np.save(server.folder / "one_view.npy", pose)
    return {**QUICK, "camera_poses_path": str(server.folder / "one_view.npy")}


def sent(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


def files_of(*paths: Path) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", (path.name, path.read_bytes())) for path in paths]


def document_of(glb: bytes) -> dict[str, Any]:
    """The JSON of a GLB file."""
    magic, version, size, length = struct.unpack("<4sIII", glb[:16])
    assert (magic, version, size) == (b"glTF", 2, len(glb))
    document: dict[str, Any] = json.loads(glb[20 : 20 + length])
    return document


def test_a_textured_cad_is_uploaded_seen_rendered_and_fetched(server: Server, poses: dict[str, Any], tmp_path: Path) -> None:
    """The same files in a folder of the server give the same templates, from the cache: it knows them by their bytes."""
    names = ["crate.obj", "crate.mtl", "crate.png"]
    with server.http() as http:
        upload = sent(http.post("/api/v1/uploads", files=files_of(*(server.folder / name for name in names))), 201)
        assert upload["cads"] == ["crate.obj"] and [file["name"] for file in upload["files"]] == names
        choice = {"upload_id": upload["upload_id"]}
        facts = sent(http.post("/api/v1/cad/inspect", json=choice))
        assert facts["textures"] == 1 and not any("cannot be used" in warning for warning in facts["warnings"])
        glb = http.post("/api/v1/cad/preview.glb", json=choice)
        assert glb.status_code == 200 and document_of(glb.content)["images"] and glb.headers["X-Cad-Faces"] == str(facts["faces"])
        job = sent(http.post("/api/v1/jobs", params={"wait": "true"}, json={**choice, **poses}))
        assert job["status"] == "succeeded", job
        assert (job["cad_path"], job["output_dir"]) == (f"upload:{upload['upload_id']}/crate.obj", f"results:{job['job_id']}")
        assert job["templates_dir"] == f"results:{job['job_id']}/templates" and job["results_expire_at"] > job["ended_at"]
        assert str(server.folder) not in json.dumps({**job, "options": None})
        fetched = http.get(f"/api/v1/jobs/{job['job_id']}/templates.zip")
        assert fetched.status_code == 200
        here = sent(
            http.post(
                "/render/templates",
                params={"wait": "true"},
                json={"cad_path": str(server.folder / "crate.obj"), "output_dir": str(server.folder / "crate_here"), **poses},
            )
        )
        assert here["cached"]
    with zipfile.ZipFile(io.BytesIO(fetched.content)) as archive:
        found = {Path(name).name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    for name in ("rgb_0.png", "mask_0.png", "xyz_0.npy"):
        assert found[name] == (server.folder / "crate_here" / "templates" / name).read_bytes()


def test_one_step_with_a_zip_archive_and_a_key_is_one_job_however_often_it_is_sent(server: Server, poses: dict[str, Any]) -> None:
    archive = zipped(
        {
            "part/crate.obj": (server.folder / "crate.obj").read_bytes(),
            "part/crate.mtl": (server.folder / "crate.mtl").read_bytes(),
            "part/crate.png": (server.folder / "crate.png").read_bytes(),
        }
    )
    form = {"options": json.dumps(poses), "unit": "cm"}
    with server.http() as http:
        before = sent(http.get("/api/v1/status"))["uploads"]["count"]
        told = [
            sent(
                http.post(
                    "/api/v1/jobs",
                    params={"wait": "true"},
                    headers={"Idempotency-Key": "one-step"},
                    files={"file": ("crate.zip", archive)},
                    data=form,
                )
            )
            for _ in range(2)
        ]
        assert sent(http.get("/api/v1/status"))["uploads"]["count"] == before + 1
        assert told[0]["job_id"] == told[1]["job_id"] and told[0]["status"] == "succeeded" and told[0]["cad"]["unit"] == "cm"
        wrong = http.post("/render/templates", files={"file": ("crate.zip", archive)}, data={"resolution": "wide"})
        assert wrong.status_code == 422 and wrong.json()["field"] == "resolution" and "'wide'" in wrong.json()["detail"]
        assert sent(http.get("/api/v1/status"))["uploads"]["count"] == before + 1
        group = {"items": [{"upload_id": told[0]["options"]["upload_id"], **poses}, {"upload_id": "0" * 32, **poses}]}
        batch = sent(http.post("/api/v1/render-templates-batch", json=group))
        assert [item["success"] for item in batch["results"]] == [True, False]
        assert batch["results"][1]["error"]["code"] == "upload_not_found"


def test_tus_sends_in_pieces_and_goes_on_where_it_ended(server: Server, tmp_path: Path) -> None:
    data = (server.folder / "flange.stl").read_bytes()
    shutil.copy(server.folder / "flange.stl", tmp_path / "flansch übung.stl")
    client: Any = TusClient(f"{server.url}/api/v1/uploads")  # tuspy has no types.
    path = str(tmp_path / "flansch übung.stl")
    first = client.uploader(path, chunk_size=10_000, metadata={"filename": "flansch übung.stl"}, upload_checksum=True)
    first.upload_chunk()
    first.upload_chunk()
    with server.http() as http:
        begun = http.head(first.url)
        assert (begun.headers["Upload-Offset"], begun.headers["Upload-Length"]) == ("20000", str(len(data)))
        early = http.post("/api/v1/cad/inspect", json={"upload_id": first.url.rpartition("/")[2]})
        assert early.status_code == 409 and early.json()["code"] == "upload_incomplete"
        again = client.uploader(path, url=first.url, chunk_size=30_000)  # As a client that was started anew.
        again.upload()
        whole = sent(http.get(first.url))
        assert whole["complete"] and whole["cads"] == ["flansch übung.stl"] and whole["bytes"] == len(data)
        assert sent(http.post("/api/v1/cad/inspect", json={"upload_id": whole["upload_id"]}))["format"] == "stl"
        assert http.delete(first.url).status_code == 204
        assert http.get(first.url).status_code == 410


def test_a_large_body_of_no_declared_length_is_taken_since_the_proxy_holds_it_back(server: Server) -> None:
    def form() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="large.stl"\r\n\r\n'
        for _ in range(UNDECLARED_BYTES // 2**20 + 1):
            yield bytes(2**20)
        yield b"\r\n--x--\r\n"

    with server.http() as http:
        answer = http.post("/api/v1/uploads", content=form(), headers={"Content-Type": "multipart/form-data; boundary=x"})
        upload = sent(answer, 201)
        assert upload["bytes"] == UNDECLARED_BYTES + 2**20
        assert http.delete(f"/api/v1/uploads/{upload['upload_id']}").status_code == 204
