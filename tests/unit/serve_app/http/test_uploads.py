"""Uploads over HTTP: in one body, in pieces, and in one step with a render request."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.http import pace, received
from serve_app.http.render_route import options_of
from serve_app.jobs.request import RenderRequest
from serve_app.uploads.resumable import ResumableUploads
from serve_app.uploads.store import UploadStore
from tests.unit.serve_app.http.fake_server import FakeService, api, client
from tests.unit.serve_app.uploads.made import CAD, zipped

PATH = "/api/v1/uploads"
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = TUS | {"Content-Type": "application/offset+octet-stream"}


class UploadService(FakeService):
    """Receives uploads, and takes every render request that it can read for one that comes too early."""

    def __init__(self, settings: Settings) -> None:
        self.uploads = UploadStore.of_server(settings.model_copy(update={"min_free_bytes": 0}), lambda upload_id: False)
        self.resumable = ResumableUploads(self.uploads)
        self.asked: list[RenderRequest] = []

    def check_not_draining(self) -> None:
        """It goes on."""

    async def accept(self, request: RenderRequest, group: str = "", **keys: Any) -> None:
        self.asked.append(request)
        if request.upload_id is not None:
            await asyncio.to_thread(self.uploads.file, request.upload_id, request.cad)
        raise ServiceError("queue_full", "a good request comes this far")


@pytest.fixture
def service(settings: Settings) -> UploadService:
    return UploadService(settings)


@pytest.fixture
async def http(settings: Settings, service: UploadService) -> AsyncIterator[httpx.AsyncClient]:
    async with client(api(settings, service)) as http:
        yield http


def files(*named: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", file) for file in named]


def metadata(name: str) -> dict[str, str]:
    return {"Upload-Metadata": f"filename {base64.b64encode(name.encode()).decode()},filetype bW9kZWw="}


async def begun(http: httpx.AsyncClient, length: int, name: str = "a.stl") -> str:
    answer = await http.post(PATH, headers=TUS | {"Upload-Length": str(length)} | metadata(name))
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def code(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["code"])


async def test_files_are_sent_and_told(http: httpx.AsyncClient) -> None:
    sent = await http.post(PATH, files=files(("a.obj", CAD), ("a.mtl", b"x"), ("a.txt", b"y")))
    assert sent.status_code == 201
    told = sent.json()
    assert told["files"][0] == {"name": "a.obj", "bytes": len(CAD), "sha256": hashlib.sha256(CAD).hexdigest()}
    assert (told["cads"], told["ignored"], told["bytes"], told["complete"]) == (["a.obj"], ["a.txt"], len(CAD) + 1, True)
    assert told["expires_at"] > told["created_at"] and sent.headers["Location"] == f"{PATH}/{told['upload_id']}"
    assert (await http.get(sent.headers["Location"])).json() == told
    assert (await http.delete(sent.headers["Location"])).status_code == 204
    assert code(await http.get(sent.headers["Location"]), 410) == "upload_expired"
    assert code(await http.get(f"{PATH}/{'0' * 32}"), 404) == "upload_not_found"


async def test_what_is_no_upload_is_refused_and_leaves_nothing(http: httpx.AsyncClient, service: UploadService) -> None:
    assert code(await http.post(PATH, json={}), 415) == "content_type_unsupported"
    assert code(await http.post(PATH, files={"other": ("a.stl", CAD)}), 422) == "validation_error"
    assert code(await http.post(PATH, files=files(("a.stl", CAD)), data={"unit": "mm"}), 422) == "validation_error"
    assert code(await http.post(PATH, files=files(("a.sldprt", b"x"))), 415) == "cad_format_unsupported"
    assert code(await http.post(PATH, files=files(("a.zip", zipped(("../a.stl", CAD))))), 422) == "upload_invalid"
    assert [path.name for path in service.uploads.folder.iterdir()] == [".gone"] and service.uploads.room.used == 0


async def test_a_body_that_is_too_large_is_refused_by_its_length(settings: Settings) -> None:
    settings = settings.model_copy(update={"uploads_max_upload_bytes": 1000})
    async with client(api(settings, UploadService(settings))) as http:
        assert code(await http.post(PATH, files=files(("a.stl", bytes(2_000_000)))), 413) == "upload_too_large"
        assert code(await http.post(PATH, files=files(("a.stl", bytes(1001)))), 413) == "upload_too_large"


async def test_a_body_that_does_not_come_is_given_up(
    http: httpx.AsyncClient, service: UploadService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "PAUSE_SEC", 0.05)

    async def stalls() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.stl"\r\n\r\nsolid'
        await asyncio.sleep(30)

    answer = await http.post(PATH, content=stalls(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert code(answer, 408) == "body_too_slow" and service.uploads.room.used == 0


async def test_what_comes_behind_the_end_of_a_form_is_bounded_too(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(received, "UNDECLARED_BYTES", 1_000_000)

    async def endless() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.stl"\r\n\r\nsolid\r\n--x--\r\n'
        for _ in range(40):
            yield bytes(100_000)

    async with client(api(settings, service := UploadService(settings))) as http:
        answer = await http.post(PATH, content=endless(), headers={"Content-Type": "multipart/form-data; boundary=x"})
        assert code(answer, 413) == "upload_too_large" and service.uploads.room.used == 0


async def test_some_are_received_at_a_time(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(received, "MAX_RECEIVED", 1)
    go_on = asyncio.Event()

    async def waits() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.stl"\r\n\r\nsolid'
        await go_on.wait()
        yield b"\r\n--x--\r\n"

    first = asyncio.ensure_future(http.post(PATH, content=waits(), headers={"Content-Type": "multipart/form-data; boundary=x"}))
    await asyncio.sleep(0.1)
    second = await http.post(PATH, files=files(("a.stl", CAD)))
    assert code(second, 429) == "too_many_waiting" and second.headers["Retry-After"]
    go_on.set()
    assert (await first).status_code == 201


async def test_bodies_that_are_large_together_come_one_after_the_other(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(received, "MAX_RECEIVED_BYTES", 1000)
    monkeypatch.setattr(received, "UNDECLARED_BYTES", 500)
    go_on = asyncio.Event()

    async def waits() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.stl"\r\n\r\nsolid'
        await go_on.wait()
        yield b"\r\n--x--\r\n"

    first = asyncio.ensure_future(http.post(PATH, content=waits(), headers={"Content-Type": "multipart/form-data; boundary=x"}))
    await asyncio.sleep(0.1)
    assert code(await http.post(PATH, files=files(("b.stl", bytes(2000)))), 429) == "too_many_waiting"
    assert (await http.post(PATH, files=files(("b.stl", bytes(200))))).status_code == 201
    go_on.set()
    assert (await first).status_code == 201
    assert (await http.post(PATH, files=files(("b.stl", bytes(2000))))).status_code == 201


async def test_a_render_request_and_its_cad_come_in_one_step(http: httpx.AsyncClient, service: UploadService) -> None:
    form = {"options": json.dumps({"colorize": True, "parts": ["a"]}), "resolution": "128", "unit": "cm", "dataset": "5"}
    for path in ("/render/templates", "/api/v1/jobs", "/api/v1/render-templates"):
        assert code(await http.post(path, files=files(("a.obj", CAD), ("b.obj", CAD)), data=form | {"cad": "b.obj"}), 429) == "queue_full"
        request = service.asked.pop()
        assert (request.colorize, request.resolution, request.unit, request.dataset, request.parts) == (True, 128, "cm", "5", ["a"])
        assert request.cad == "b.obj" and request.upload_id is not None and request.cad_path is request.output_dir is None
    assert len(service.uploads) == 3


async def test_a_request_that_is_wrong_leaves_no_upload(http: httpx.AsyncClient, service: UploadService) -> None:
    for form in (
        {"resolution": "wide"},
        {"nonsense": "1"},
        {"options": "[]"},
        {"options": "{"},
        {"cad_path": "a.stl"},
        {"upload_id": "0" * 32},
    ):
        assert code(await http.post("/api/v1/jobs", files=files(("a.stl", CAD)), data=form), 422) == "validation_error"
    assert code(await http.post("/api/v1/jobs", files=files(("a.stl", CAD)), data={"cad": "b.stl"}), 404) == "cad_not_found"
    assert len(service.uploads) == service.uploads.room.used == 0


async def test_a_form_without_files_is_a_request_too(http: httpx.AsyncClient, service: UploadService) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="options"\r\n\r\n{"cad_path": "a", "output_dir": "b"}\r\n--x--\r\n'
    answer = await http.post("/api/v1/jobs", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert code(answer, 429) == "queue_full" and service.asked[0].cad_path == "a"


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ([("normalize", "false"), ("base_color", "0.2"), ("level", "1")], {"normalize": False, "base_color": 0.2, "level": 1}),
        ([("parts", "a"), ("parts", "b, c")], {"parts": ["a", "b, c"]}),
        ([("parts", '["a"]'), ("outputs", "mesh")], {"parts": ["a"], "outputs": ["mesh"]}),
        ([("camera", '{"width": 64}')], {"camera": {"width": 64}}),
        ([("dataset", "true"), ("samples", "")], {"dataset": "true", "samples": None}),
        ([("options", '{"unit": "mm"}'), ("level", "x")], {"unit": "mm", "level": "x"}),
    ],
)
def test_form_fields_are_options(fields: list[tuple[str, str]], options: dict[str, Any]) -> None:
    assert options_of(fields) == options


def test_a_form_says_each_option_once() -> None:
    for fields in ([("unit", "mm"), ("unit", "cm")], [("options", '{"unit": "mm"}'), ("unit", "mm")]):
        with pytest.raises(ServiceError, match="'unit' twice"):
            options_of(fields)


async def test_tus_tells_what_it_is(http: httpx.AsyncClient) -> None:
    told = (await http.options(PATH)).headers
    assert told["Tus-Version"] == "1.0.0" and {"creation", "expiration", "checksum"} <= set(told["Tus-Extension"].split(","))
    assert int(told["Tus-Max-Size"]) > 0 and "sha1" in told["Tus-Checksum-Algorithm"].split(",")


async def test_tus_takes_pieces(http: httpx.AsyncClient) -> None:
    place = await begun(http, len(CAD))
    first = await http.patch(place, content=CAD[:5], headers=PIECE | {"Upload-Offset": "0"})
    assert first.status_code == 204 and first.headers["Upload-Offset"] == "5" and "GMT" in first.headers["Upload-Expires"]
    head = await http.head(place)
    assert (head.status_code, head.headers["Upload-Offset"], head.headers["Upload-Length"]) == (200, "5", str(len(CAD)))
    assert head.headers["Cache-Control"] == "no-store" and head.headers["Tus-Resumable"] == "1.0.0"
    assert (await http.get(place)).json()["complete"] is False
    assert code(await http.patch(place, content=CAD[4:], headers=PIECE | {"Upload-Offset": "4"}), 409) == "upload_offset_conflict"
    checksum = "sha1 " + base64.b64encode(hashlib.sha1(CAD[5:]).digest()).decode()
    wrong = await http.patch(place, content=CAD[4:-1], headers=PIECE | {"Upload-Offset": "5", "Upload-Checksum": checksum})
    assert code(wrong, 460) == "upload_checksum_mismatch"
    last = await http.patch(place, content=CAD[5:], headers=PIECE | {"Upload-Offset": "5", "Upload-Checksum": checksum})
    assert last.status_code == 204 and last.headers["Upload-Offset"] == str(len(CAD))
    assert (await http.get(place)).json()["cads"] == ["a.stl"]
    assert code(await http.patch(place, content=b"", headers=PIECE | {"Upload-Offset": str(len(CAD))}), 409) == "upload_offset_conflict"


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412, "tus_version_unsupported"),
        ({"Upload-Length": "-1"}, 422, "validation_error"),
        ({"Upload-Length": "0"}, 422, "validation_error"),
        ({"Upload-Length": "9" * 30}, 422, "validation_error"),
        ({"Upload-Length": "9" * 18}, 413, "upload_too_large"),
        ({"Upload-Metadata": "filename"}, 422, "upload_invalid"),
        ({"Upload-Metadata": "filename ***"}, 422, "validation_error"),
        ({"Upload-Metadata": "filetype eA=="}, 422, "validation_error"),
        ({"Upload-Defer-Length": "1"}, 422, "validation_error"),
    ],
)
async def test_tus_refuses_what_it_cannot_begin(http: httpx.AsyncClient, headers: dict[str, str], status: int, reason: str) -> None:
    good = TUS | {"Upload-Length": "5"} | metadata("a.stl")
    assert code(await http.post(PATH, headers=good | headers), status) == reason


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"Tus-Resumable": "2"}, 412, "tus_version_unsupported"),
        ({"Content-Type": "text/plain"}, 415, "content_type_unsupported"),
        ({"Upload-Offset": "x"}, 422, "validation_error"),
        ({"Upload-Checksum": "crc32 eA=="}, 422, "validation_error"),
        ({"Upload-Checksum": "sha1 *"}, 422, "validation_error"),
    ],
)
async def test_tus_refuses_pieces_that_it_cannot_read(http: httpx.AsyncClient, headers: dict[str, str], status: int, reason: str) -> None:
    place = await begun(http, 5)
    assert code(await http.patch(place, content=b"x", headers=PIECE | {"Upload-Offset": "0"} | headers), status) == reason


@pytest.mark.parametrize("name", ["Tus-Resumable", "Upload-Offset"])
async def test_a_piece_without_a_header_that_it_needs_hears_that_first(http: httpx.AsyncClient, name: str) -> None:
    place = await begun(http, len(CAD))
    whole = PIECE | {"Upload-Offset": "0"}
    assert (await http.patch(place, content=CAD, headers=whole)).status_code == 204
    for path in (place, f"{PATH}/{'0' * 32}"):  # One that is whole, and one that never was.
        refused = await http.patch(path, content=b"x", headers={key: value for key, value in whole.items() if key != name})
        assert code(refused, 422) == "validation_error" and refused.json()["field"] == name and "is required" in refused.json()["detail"]


async def test_an_upload_is_never_answered_with_a_path_of_the_server(http: httpx.AsyncClient, tmp_path: Path) -> None:
    answers = [
        await http.post(PATH, files=files(("a.stl", CAD))),
        await http.post(PATH, files=files(("a.zip", b"PK\x03\x04" + bytes(100)))),
        await http.post(PATH, files=files(("a/../b.stl", CAD))),
    ]
    assert not [answer.text for answer in answers if str(tmp_path) in answer.text]
