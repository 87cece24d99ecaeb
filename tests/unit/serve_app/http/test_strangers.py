"""Requests as clients send them that nobody has written for this server: each is answered with what was meant."""

from __future__ import annotations

import gzip
import json
import logging

import httpx
import pytest

from serve_app.base.settings import Settings
from tests.unit.serve_app.http.fake_server import JSON, api, client
from tests.unit.serve_app.http.test_uploads import UploadService

UPLOADS = "/api/v1/uploads"
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
PART = b'Content-Disposition: form-data; name="file"; filename="a.stl"'


@pytest.fixture
async def http(settings: Settings) -> httpx.AsyncClient:
    return client(api(settings, UploadService(settings)))


def refused(answer: httpx.Response, status: int, code: str) -> str:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    return str(body["detail"])


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
@pytest.mark.parametrize("path", ["/api/v1/jobs", UPLOADS, f"{UPLOADS}/{'0' * 32}"])
async def test_a_compressed_body_is_refused_as_such(http: httpx.AsyncClient, method: str, path: str) -> None:
    body = gzip.compress(json.dumps({"cad_path": "a.stl"}).encode())
    answer = await http.request(method, path, content=body, headers=JSON | {"Content-Encoding": "GZIP"})
    assert "`Content-Encoding: gzip`; send it as it is" in refused(answer, 415, "content_type_unsupported")
    assert answer.headers["Accept-Encoding"] == "identity"


async def test_a_body_that_says_it_is_as_it_is_passes(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/v1/jobs", json={"cad_path": "a.stl", "output_dir": "out"}, headers={"Content-Encoding": "identity"})
    assert refused(answer, 429, "queue_full") == "a good request comes this far"


async def test_a_slash_too_many_is_named(http: httpx.AsyncClient) -> None:
    assert "there is no /api/v1/jobs/ (did you mean /api/v1/jobs, without the slash?)" in refused(
        await http.get("/api/v1/jobs/"), 404, "not_found"
    )
    for path in ("/none/", "/none", "/" + "a" * 1000 + "/"):
        assert "did you mean" not in refused(await http.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/v1/jobs", "GET, HEAD, OPTIONS, POST"),
        ("/health", "GET, HEAD, OPTIONS"),
        ("/api/v1/jobs/a", "DELETE, GET, HEAD, OPTIONS, PUT"),
        (UPLOADS, "OPTIONS, POST"),
        (f"{UPLOADS}/{'0' * 32}", "DELETE, GET, HEAD, OPTIONS, PATCH"),
    ],
)
async def test_options_tell_the_methods(http: httpx.AsyncClient, path: str, methods: str) -> None:
    answer = await http.options(path)
    assert (answer.status_code, answer.headers["Allow"], answer.content) == (204, methods, b"")


async def test_options_of_nothing_are_nothing(http: httpx.AsyncClient) -> None:
    refused(await http.options("/none"), 404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        b"--x\n" + PART + b"\n\nabc\n--x--\n",
        b"a preamble\r\n--x\r\n" + PART + b"\r\n\r\nabc\r\n--x--\r\n",
        b"--y\r\n" + PART + b"\r\n\r\nabc\r\n--y--\r\n",
    ],
)
async def test_a_form_that_somebody_made_by_hand_hears_what_it_lacks(http: httpx.AsyncClient, body: bytes) -> None:
    said = refused(await http.post(UPLOADS, content=body, headers=FORM), 422, "validation_error")
    assert "its boundary, with CR LF at the end of each line" in said


def test_what_a_client_sends_wrong_is_no_news_for_the_operator() -> None:
    assert not logging.getLogger("python_multipart.multipart").isEnabledFor(logging.CRITICAL)
