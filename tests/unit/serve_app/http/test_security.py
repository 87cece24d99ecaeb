"""The HTTP application without Serve: who may ask, what is read of a body, what every answer carries."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError

from serve_app.base.errors import CODES, ServiceError
from serve_app.base.settings import Settings
from serve_app.http import json_body
from serve_app.http.errors import SECURITY_HEADERS
from serve_app.http.json_body import MAX_DEPTH, parse_json
from serve_app.http.routes import build_api
from serve_app.http.security import UnusableKeyError, is_loopback, key_bytes
from serve_app.jobs.record import JobRecord
from serve_app.service.service import RenderService

KEY = "Schlüssel-鍵 1"
JSON = {"Content-Type": "application/json"}


class FakeService:
    """Answers what the routes ask for, without a job store or a renderer."""

    async def job_list(self, status: str | None, limit: int) -> tuple[list[JobRecord], int]:
        return [], limit

    async def job_record(self, job_id: str) -> JobRecord:
        raise ServiceError("job_not_found", f"there is no job {job_id!r}", "job_id")

    async def status(self) -> None:
        raise RuntimeError("a secret of the server's")

    async def accept(self, request: Any, group: str = "", **keys: Any) -> None:
        raise ServiceError("cad_not_found", "a good request comes this far", "cad_path")


def api(settings: Settings, **changes: Any) -> FastAPI:
    return build_api(lambda: cast(RenderService, FakeService()), settings.model_copy(update=changes))


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://server")


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()


@pytest.fixture
def locked(settings: Settings) -> FastAPI:
    return api(settings, api_key=SecretStr(KEY))


@pytest.mark.parametrize(
    "path", ["/jobs", "/api/v1/status", "/docs", "/docs/swagger-ui.css", "/openapi.json", "/no/such/path", "/health/x", "/healthz"]
)
@pytest.mark.parametrize(
    "headers", [{}, {"X-API-Key": "wrong"}, {"Authorization": "Bearer "}, {"Authorization": "Basic !"}, {"X-API-Key": b"\xff\x00\xe9"}]
)
async def test_without_the_key_nothing_is_told(locked: FastAPI, path: str, headers: dict[str, Any]) -> None:
    async with client(locked) as http:
        answer = await http.get(path, headers=headers)
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "unauthorized" and set(answer.json()) == {"detail", "code", "field"}
    assert KEY not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"])
async def test_no_method_goes_past_the_key(locked: FastAPI, method: str) -> None:
    async with client(locked) as http:
        assert (await http.request(method, "/render/templates", content=b"{}", headers=JSON)).status_code == 401


@pytest.mark.parametrize("name", ["X-API-Key", "x-api-key", "Authorization"])
async def test_the_key_opens(locked: FastAPI, name: str) -> None:
    value = KEY.encode() if name != "Authorization" else b"bearer " + KEY.encode()
    async with client(locked) as http:
        assert (await http.get("/jobs", headers={name.encode(): value})).status_code == 200


async def test_health_needs_no_key(locked: FastAPI) -> None:
    async with client(locked) as http:
        assert (await http.get("/health")).json()["status"] == "healthy"


async def test_a_browser_may_give_the_key_for_the_docs_alone(locked: FastAPI) -> None:
    async with client(locked) as http:
        for path in ("/docs", "/docs/swagger-ui-bundle.js", "/openapi.json"):
            assert "Basic" in (await http.get(path)).headers["WWW-Authenticate"]
            assert (await http.get(path, headers={"Authorization": basic(KEY)})).status_code == 200
        assert (await http.get("/jobs", headers={"Authorization": basic(KEY)})).status_code == 401
        assert (await http.get("/docs", headers={"Authorization": basic("wrong")})).status_code == 401


async def test_the_document_says_that_a_key_is_wanted(settings: Settings, locked: FastAPI) -> None:
    document = locked.openapi()
    assert {scheme["type"] for scheme in document["components"]["securitySchemes"].values()} == {"http", "apiKey"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert ("401" in operation["responses"]) == ("security" in operation) == (path != "/health")
    assert "securitySchemes" not in api(settings).openapi()["components"]


@pytest.mark.parametrize("key", [" ", "a\nb", "a\0b", "a\x7fb"])
def test_a_key_that_no_header_holds_is_refused_unseen(key: str) -> None:
    with pytest.raises(UnusableKeyError) as caught:
        key_bytes(SecretStr(key))
    assert not key.strip() or key not in str(caught.value)


def test_the_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER_API_KEY", KEY)
    settings = Settings()
    assert settings.api_key is not None and key_bytes(settings.api_key) == KEY.encode()
    assert KEY not in repr(settings) + str(settings) + settings.model_dump_json()
    monkeypatch.setenv("RENDER_SERVER_PORT", "none")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("server", False),
        (None, False),
        ("", False),
    ],
)
def test_loopback(host: str | None, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    "path", ["/health", "/jobs", "/jobs/x", "/nothing", "/api/v1/status", "/docs", "/docs/swagger-ui.css", "/jobs?limit=x"]
)
async def test_every_answer_has_the_security_headers(settings: Settings, path: str) -> None:
    async with client(api(settings)) as http:
        answer = await http.get(path)
    assert {name.lower() for name in SECURITY_HEADERS} <= set(answer.headers)
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_fault_tells_nothing_of_itself(settings: Settings) -> None:
    async with client(api(settings)) as http:
        answer = await http.get("/api/v1/status")
    assert answer.status_code == 500 and answer.json()["code"] == "internal_error"
    assert "secret" not in answer.text and "Traceback" not in answer.text


async def test_the_docs_load_nothing_from_elsewhere(settings: Settings) -> None:
    async with client(api(settings)) as http:
        page = await http.get("/docs")
        assert "://" not in page.text
        for name in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            assert (await http.get("/" + name)).status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self' 'sha256-" in policy and "unsafe-inline" not in policy.split("style-src")[0] and "http" not in policy


@pytest.mark.parametrize("path", ["/docs/", "/jobs/", "//evil.example/jobs/"])
async def test_no_redirect_names_the_host_that_was_asked(settings: Settings, path: str) -> None:
    async with client(api(settings)) as http:
        answer = await http.get(path, headers={"Host": "evil.example"})
    assert answer.status_code == 404 and "evil.example" not in answer.text.replace(path, "") + str(answer.headers)


async def test_a_host_that_is_none_is_no_fault(settings: Settings) -> None:
    async with client(api(settings)) as http:
        assert (await http.get("/nothing", headers={"Host": "["})).status_code == 404


async def test_cors_is_closed_unless_opened(settings: Settings) -> None:
    ask = {"Origin": "https://tools.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    async with client(api(settings)) as http:
        answer = await http.options("/jobs", headers=ask)
        assert answer.status_code == 405 and not any(name.startswith("access-control") for name in answer.headers)
    opened = api(settings, api_key=SecretStr(KEY), cors_origins=["https://tools.example"])
    async with client(opened) as http:
        answer = await http.options("/jobs", headers=ask)
        assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == "https://tools.example"
        refused = await http.get("/jobs", headers={"Origin": "https://tools.example"})
        assert refused.status_code == 401 and "access-control-allow-origin" in refused.headers
        answer = await http.options("/jobs", headers={**ask, "Origin": "https://evil.example"})
        assert answer.status_code == 400 and "access-control-allow-origin" not in answer.headers


def test_an_origin_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER_CORS_ORIGINS", "https://a.example, http://b.example:8080")
    assert Settings().cors_origins == ["https://a.example", "http://b.example:8080"]
    monkeypatch.setenv("RENDER_CORS_ORIGINS", "a.example/path")
    with pytest.raises(ValidationError, match="RENDER_CORS_ORIGINS"):
        Settings()


async def post(app: FastAPI, content: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    async with client(app) as http:
        return await http.post("/render/templates", content=content, headers=JSON if headers is None else headers)


async def test_a_body_beyond_the_limit_is_refused_before_it_has_come(settings: Settings) -> None:
    read = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 1000
            yield b" " * 1000

    app = api(settings, max_body_bytes=10_000)
    answer = await post(app, chunks())
    assert answer.status_code == 413 and answer.json()["code"] == "body_too_large" and "RENDER_MAX_BODY_BYTES" in answer.json()["detail"]
    assert (await post(app, b" " * 10_001)).status_code == 413
    assert (await post(app, b" ", {**JSON, "Content-Length": "9" * 30})).status_code == 413
    good = json.dumps({"cad_path": "a", "output_dir": "b"}).encode()
    assert (await post(app, good + b" " * (10_000 - len(good)))).json()["code"] == "cad_not_found"


async def test_a_body_that_does_not_come_is_waited_for_no_longer(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_body, "BODY_SEC", 0.2)

    async def trickle() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b" "

    answer = await asyncio.wait_for(post(api(settings), trickle()), 10)
    assert answer.status_code == 408 and answer.json()["code"] == "body_too_slow" and "no end" in answer.json()["detail"]


async def test_requests_that_wait_leave_places_for_others(settings: Settings) -> None:
    class BusyService(FakeService):
        async def accept(self, request: Any, group: str = "", **keys: Any) -> None:
            if request.priority != "batch":
                accepted.append(request)
                await go_on.wait()
            await super().accept(request)

        def check_batch_size(self, count: int) -> None:
            return

    accepted: list[Any] = []
    go_on = asyncio.Event()
    body = {"cad_path": "a", "output_dir": "b"}
    routes = [
        ("POST", "/render/templates?wait=true", body),
        ("PUT", "/jobs/mine?wait=true", body),
        ("POST", "/api/v1/render-templates", body),
        ("POST", "/api/v1/render-templates-batch", {"items": [body]}),
    ]
    limited = settings.model_copy(update={"max_waiting_requests": 3})
    async with client(build_api(lambda: cast(RenderService, BusyService()), limited)) as http:
        waiting = [asyncio.create_task(http.request(method, path, json=sent)) for method, path, sent in routes[:3]]
        while len(accepted) < 3:
            await asyncio.sleep(0.01)
        for method, path, sent in routes:
            refused = await http.request(method, path, json=sent)
            assert refused.status_code == 429 and refused.json()["code"] == "too_many_waiting" and refused.headers["Retry-After"]
        assert (await http.post("/render/templates", json={**body, "priority": "batch"})).status_code == 404
        waiting[0].cancel()
        await asyncio.wait({waiting[0]})
        waiting.append(asyncio.create_task(http.request(*routes[0][:2], json=body)))
        while len(accepted) < 4:
            await asyncio.sleep(0.01)
        go_on.set()
        assert [(await task).status_code for task in waiting[1:]] == [404] * 3


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "json", ";;;", "ÿ"]
)
async def test_only_json_is_read(settings: Settings, kind: str) -> None:
    answer = await post(api(settings), b'{"cad_path": "a", "output_dir": "b"}', {"Content-Type": kind.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 415 and answer.json()["code"] == "content_type_unsupported"


@pytest.mark.parametrize("kind", ["application/json", "APPLICATION/JSON; charset=utf-8", "application/vnd.render+json"])
async def test_json_by_any_of_its_names_is_read(settings: Settings, kind: str) -> None:
    answer = await post(api(settings), b'{"cad_path": "a", "output_dir": "b"}', {"Content-Type": kind})
    assert answer.json()["code"] == "cad_not_found"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the request body is required"),
        (b"{", "not JSON"),
        (b"[" * 3_000_000, "more than 32 deep"),
        (b'{"cad_path":' * 200_000, "more than 32 deep"),
        (b"\xff\xfe{}", "byte 0 is not UTF-8"),
        ('{"cad_path": "a"}'.encode("utf-16"), "not UTF-8"),
        (b'{"cad_path": "\xed\xa0\x80", "output_dir": "b"}', "not UTF-8"),
        (rb'{"cad_path": "\ud800", "output_dir": "b"}', "surrogate"),
        (rb'{"\udfff": 1}', "surrogate"),
        (b'{"cad_path": "a", "cad_path": "b"}', "'cad_path' twice"),
        (b"{" + b", ".join(b'"%d": 0' % number for number in range(300_000)) + b"}", "300000 names"),
        (b"{" + b", ".join([b'"a": 0'] * 300_000) + b"}", "300000 names"),
        (b'{"base_color": NaN}', "it has no NaN"),
        (b'{"base_color": -Infinity}', "it has no -Infinity"),
        (b'{"base_color": 1e999}', "too large"),
        (b'{"samples": 1' + b"0" * 5000 + b"}", "5001 digits"),
        (rb'{"cad_path": "a\u0000", "output_dir": "b"}', "a good request comes this far"),  # PathPolicy's to refuse
        (b"null", "Input should be"),
        (b'"text"', "Input should be"),
    ],
)
async def test_a_hostile_body_is_one_clear_error(settings: Settings, content: bytes, says: str) -> None:
    began = time.process_time()
    answer = await post(api(settings, max_body_bytes=8_000_000), content)
    assert time.process_time() - began < 2.0
    assert answer.status_code == (404 if "good" in says else 422) and says in answer.json()["detail"]
    assert len(answer.content) < 1000


@pytest.mark.parametrize("item", ["0", '"a"', "[0]"])
async def test_a_batch_of_what_are_no_items_is_refused_at_the_first(settings: Settings, item: str) -> None:
    content = f"[{', '.join([item] * 300_000)}]"
    began = time.process_time()
    async with client(api(settings)) as http:
        answer = await http.post("/api/v1/render-templates-batch", content=content, headers=JSON)
    assert answer.status_code == 422 and answer.json()["field"] == "items.0" and "more)" not in answer.json()["detail"]
    assert time.process_time() - began < 2.0


def test_the_deepest_body_that_is_read() -> None:
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(ServiceError):
        parse_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize("job_id", ["%00", "%ED%A0%80", "a" * 65, "a%0A", ".hidden", "a%20b"])
async def test_an_id_that_no_job_can_have_is_refused(settings: Settings, job_id: str) -> None:
    async with client(api(settings)) as http:
        answer = await http.get(f"/jobs/{job_id}")
        assert answer.status_code == 422 and answer.json()["field"] == "job_id"
        assert (await http.get("/jobs/" + "a" * 64)).status_code == 404


async def test_a_method_that_is_not_offered(settings: Settings) -> None:
    async with client(api(settings)) as http:
        answer = await http.request("DELETE", "/health")
    assert answer.status_code == 405 and answer.json()["code"] == "method_not_allowed" and answer.headers["Allow"] == "GET"


def test_every_documented_failure_has_a_code() -> None:
    document = build_api(lambda: cast(RenderService, FakeService()), Settings()).openapi()
    for operations in document["paths"].values():
        for operation in operations.values():
            failures = {int(status) for status in operation["responses"]} - {200}
            assert failures <= set(CODES.values())
            for status in failures:
                assert operation["responses"][str(status)]["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorBody")
