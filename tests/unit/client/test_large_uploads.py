"""Large files, sent in pieces that survive a lost connection."""

from __future__ import annotations

import base64
from pathlib import Path

import httpx
import pytest

from render_server_client import uploads
from tests.unit.client.fake_server import FakeServer


class Tus:
    """Takes an upload in pieces; ``lose`` counts answers that never arrive."""

    def __init__(self, server: FakeServer) -> None:
        self.data, self.name, self.lose = b"", "", 0
        server.routes |= {
            "POST /api/v1/uploads": self.create,
            "PATCH /api/v1/uploads/u1": self.patch,
            "HEAD /api/v1/uploads/u1": lambda _: httpx.Response(200, headers={"Upload-Offset": str(len(self.data))}),
            "GET /api/v1/uploads/u1": lambda _: httpx.Response(200, json={"upload_id": "f" * 32, "cads": [self.name]}),
        }

    def create(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Tus-Resumable"] == "1.0.0"
        self.length = int(request.headers["Upload-Length"])
        self.name = base64.b64decode(request.headers["Upload-Metadata"].split()[1]).decode()
        return httpx.Response(201, headers={"Location": "http://inner:8004/api/v1/uploads/u1"})

    def patch(self, request: httpx.Request) -> httpx.Response:
        if int(request.headers["Upload-Offset"]) != len(self.data):
            return httpx.Response(409, json={"detail": "another offset", "code": "upload_conflict"})
        self.data += request.read()
        if self.lose:
            self.lose -= 1
            raise httpx.ReadError("connection reset", request=request)
        return httpx.Response(204, headers={"Upload-Offset": str(len(self.data))})


@pytest.mark.parametrize("lost", [0, 2])
def test_every_byte_arrives_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: int) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.01)
    monkeypatch.setattr(uploads, "RESUMABLE_BYTES", 1000)
    monkeypatch.setattr(uploads, "PIECE_BYTES", 300)
    cad = tmp_path / "größer.stl"
    cad.write_bytes(bytes(range(250)) * 5)
    server = FakeServer()
    tus = Tus(server)
    tus.lose = lost
    server.client().submit(cad, upload=True)
    assert tus.data == cad.read_bytes() and tus.length == 1250 and tus.name == cad.name
    assert server.bodies[0][0] == {"upload_id": "f" * 32}
    assert server.asked["HEAD /api/v1/uploads/u1"] == lost
