"""CADs of clients that do not share the server's disk: sent, looked at, rendered, fetched."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import httpx

from tests.integration.conftest import Server

QUICK = {"resolution": 64, "samples": 1, "camera": {"poses": {"look_from": [[1, 1, 1]]}}}


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def upload(http: httpx.Client, *paths: Path) -> dict[str, Any]:
    answer = http.post("/api/v1/uploads", files=[("file", (path.name, path.read_bytes())) for path in paths])
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"/api/v1/uploads/{told['upload_id']}"
    return told


def test_a_cad_is_uploaded_looked_at_rendered_and_fetched(server: Server) -> None:
    with server.http() as http:
        sent = upload(http, server.folder / "flange.stl")
        looked = http.post("/api/v1/cad/inspect", json={"upload_id": sent["upload_id"]})
        assert looked.status_code == 200, looked.text
        glb = http.post("/api/v1/cad/preview.glb", json={"upload_id": sent["upload_id"]})
        assert glb.status_code == 200 and glb.content[:4] == b"glTF"
        job = http.post("/api/v1/jobs", params={"wait": "true"}, json={"upload_id": sent["upload_id"], "resolution": 64, "samples": 1})
        assert job.status_code == 200, job.text
        print(json.dumps(job.json(), indent=1)[:3000])
        got = http.get(f"/api/v1/jobs/{job.json()['job_id']}/templates.zip")
        print(got.status_code, got.headers, len(got.content))
        one = http.post(
            "/render/templates",
            params={"wait": "true"},
            files=[("file", ("flange.stl", (server.folder / "flange.stl").read_bytes()))],
            data={"resolution": "64", "samples": "1"},
        )
        print(one.status_code, one.text[:1500])
        assert one.json()["cached"]


_ = struct
