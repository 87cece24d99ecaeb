"""A list of cameras goes with a CAD to a server that does not see it."""

from __future__ import annotations

import email
import io
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from render_server_client import FilesError, RefusedError
from tests.unit.client.fake_server import FakeServer

UPLOAD = "POST /api/v1/uploads"


class Received:
    """Takes uploads.

    Attributes:
        files: of the last one, by name.
    """

    def __init__(self) -> None:
        self.server = FakeServer()
        self.files: dict[str, bytes] = {}
        self.server.routes[UPLOAD] = self._take

    def _take(self, request: httpx.Request) -> httpx.Response:
        head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
        parts: Any = email.message_from_bytes(head + request.read()).get_payload()
        self.files = {part.get_filename(): part.get_payload(decode=True) for part in parts}
        return httpx.Response(201, json={"upload_id": "f" * 32, "cads": ["a.stl"]})


@pytest.fixture
def cad(tmp_path: Path) -> Path:
    (tmp_path / "cads").mkdir()
    cad = tmp_path / "cads" / "a.stl"
    cad.write_bytes(b"solid")
    (tmp_path / "poses.npy").write_bytes(b"poses")
    return cad


@pytest.mark.parametrize("nested", [False, True])
def test_it_is_sent_with_the_cad_from_wherever_it_lies(cad: Path, tmp_path: Path, nested: bool) -> None:
    received, named = Received(), {"camera_poses_path": str(tmp_path / "poses.npy")}
    options: dict[str, Any] = {"camera": {"crop": {"size": 64}, "poses": named}} if nested else named
    received.server.client().submit(cad, upload=True, **options)
    assert received.files == {"a.stl": b"solid", "camera_poses.npy": b"poses"}
    there = {"camera_poses_path": "upload:camera_poses.npy"}
    wanted = {"camera": {"crop": {"size": 64}, "poses": there}} if nested else there
    assert received.server.bodies[0][0] == {"upload_id": "f" * 32, **wanted}


def test_what_lies_below_the_cad_goes_in_one_zip_with_it(cad: Path, tmp_path: Path) -> None:
    (cad.parent / "maps").mkdir()
    (cad.parent / "maps" / "a.png").write_bytes(b"png")
    received = Received()
    poses = str(tmp_path / "poses.npy")
    received.server.client().submit(cad, upload=True, more_files=[cad.parent / "maps" / "a.png"], camera_poses_path=poses)
    with zipfile.ZipFile(io.BytesIO(received.files["a.zip"])) as archive:
        assert sorted(archive.namelist()) == ["a.stl", "camera_poses.npy", "maps/a.png"]


@pytest.mark.parametrize("upload", [True, False])
def test_one_that_is_not_here_is_the_servers(cad: Path, upload: bool) -> None:
    received = Received()
    received.server.client().submit(cad, upload=upload, output_dir="/out", camera_poses_path="/of/the/server.npy")
    assert received.server.bodies[0][0]["camera_poses_path"] == "/of/the/server.npy"
    assert list(received.files) == (["a.stl"] if upload else [])


def test_where_it_cannot_go_along_the_client_says_what_to_do(cad: Path, tmp_path: Path) -> None:
    poses, packed = str(tmp_path / "poses.npy"), tmp_path / "a.zip"
    packed.write_bytes(b"PK")
    (cad.parent / "camera_poses.npy").write_bytes(b"others")
    client = Received().server.client()
    with pytest.raises(FilesError, match=r"put .*poses\.npy into it"):
        client.submit(packed, upload=True, camera_poses_path=poses)
    with pytest.raises(FilesError, match="another file of that name"):
        client.submit(cad, upload=True, more_files=[cad.parent / "camera_poses.npy"], camera_poses_path=poses)


def test_a_list_that_the_server_does_not_find_makes_it_no_older_server(cad: Path) -> None:
    server = FakeServer()
    missing = {"detail": "no camera poses file at '/none.npy'", "code": "not_found", "field": "camera_poses_path"}
    server.script = [lambda _: httpx.Response(404, json=missing)]
    client = server.client()
    with pytest.raises(RefusedError, match="not_found"):
        client.submit(cad, upload=False, output_dir="/out", job_id="mine", camera_poses_path="/none.npy")
    assert client.jobs() == [] and server.asked["GET /api/v1/jobs"] == 1
