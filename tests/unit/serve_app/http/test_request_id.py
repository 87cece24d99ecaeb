"""``X-Request-Id``: what becomes of a client's, in Serve's proxy and in the logs of the job that its request makes."""

from __future__ import annotations

import importlib
import uuid
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from ray.serve._private.http_util import _apply_middlewares
from starlette.types import Receive, Scope, Send

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.cli.server_process import _RAY_SETTINGS
from serve_app.http.request_id import MAX_CHARACTERS, proxy_middlewares, request_id_of
from tests.unit.serve_app.http.fake_server import FakeService, api, client

SANE = ["a", "client-7/part:42", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "x" * MAX_CHARACTERS, str(uuid.uuid4())]
NOT_SANE = [b"", b" ", b"two words", b"tab\there", b"caf\xc3\xa9", b"\xff", b"a\x7f", b"a\x00b", b"a\n", b"x" * (MAX_CHARACTERS + 1)]
BODY = {"cad_path": "a.ply", "output_dir": "out"}


def is_new(request_id: str) -> bool:
    return str(uuid.UUID(request_id)) == request_id


@pytest.mark.parametrize("given", SANE)
def test_a_sane_one_stays(given: str) -> None:
    assert request_id_of([(b"accept", b"x"), (b"x-request-id", given.encode())]) == given


@pytest.mark.parametrize("given", NOT_SANE)
def test_one_that_is_not_sane_gives_way_to_a_new_one(given: bytes) -> None:
    first, second = (request_id_of([(b"x-request-id", given)]) for _ in range(2))
    assert is_new(first) and is_new(second) and first != second


def test_without_one_and_with_several_there_is_a_new_one() -> None:
    assert is_new(request_id_of([])) and is_new(request_id_of([(b"x-request-id", b"a"), (b"x-request-id", b"b")]))


class Seen:
    """The application behind Serve's proxy: answers, and notes the ids that it gets."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.ids += [value.decode() for name, value in scope["headers"] if name == b"x-request-id"]
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def through_proxy(headers: Any) -> tuple[list[str], list[str]]:
    """The ids of an answer that comes through what Serve's proxy is made of, and those that the application saw."""
    seen = Seen()
    proxy = _apply_middlewares(seen, proxy_middlewares())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=proxy), base_url="http://server") as http:
        answer = await http.get("/", headers=headers)
    return answer.headers.get_list("X-Request-Id"), seen.ids


@pytest.mark.parametrize("given", SANE)
async def test_an_answer_has_the_requests_id_once(given: str) -> None:
    assert await through_proxy({"X-Request-Id": given}) == ([given], [given])


@pytest.mark.parametrize("headers", [{}, *([(b"X-Request-Id", given)] for given in NOT_SANE), [(b"X-Request-Id", b"a")] * 2])
async def test_an_answer_to_a_request_without_a_sane_one_has_the_new_one(headers: Any) -> None:
    answered, seen = await through_proxy(headers)
    assert answered == seen and len(seen) == 1 and is_new(seen[0])


def test_the_command_tells_serve_of_it() -> None:
    module, name = _RAY_SETTINGS["RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"].split(":")
    assert getattr(importlib.import_module(module), name) is proxy_middlewares


class NamedService(FakeService):
    """Notes the ids that requests for jobs come with."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def accept(self, request: Any, group: str = "", **keys: Any) -> None:
        self.ids.append(keys["request_id"])
        raise ServiceError("cad_not_found", "this far", "cad_path")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/render/templates", BODY),
        ("POST", "/render/templates?wait=true", BODY),
        ("PUT", "/jobs/mine", BODY),
        ("POST", "/api/v1/render-templates", BODY),
        ("POST", "/api/v1/render-templates-batch", [BODY, BODY]),
    ],
)
async def test_every_way_to_a_job_tells_the_service_the_requests_id(settings: Settings, method: str, path: str, body: Any) -> None:
    service = NamedService()
    async with client(api(settings, service)) as http:
        await http.request(method, path, json=body, headers={"X-Request-Id": "r-1"})
    assert service.ids == ["r-1"] * (len(body) if isinstance(body, list) else 1)


async def test_a_fault_is_logged_with_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[dict[str, Any]] = []
    monkeypatch.setattr("serve_app.http.errors.server_event", lambda level, event, **fields: logged.append(fields))
    async with client(api(settings)) as http:
        assert (await http.get("/api/v1/status", headers={"X-Request-Id": "r-2"})).status_code == 500
    assert logged[0]["request_id"] == "r-2"


async def test_a_browsers_page_may_send_and_read_it(settings: Settings) -> None:
    app: FastAPI = api(settings, cors_origins=["https://tools.example"])
    ask = {"Origin": "https://tools.example", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-request-id"}
    async with client(app) as http:
        assert (await http.options("/jobs", headers=ask)).status_code == 200
        answer = await http.get("/jobs", headers={"Origin": "https://tools.example"})
    assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]
