"""Who may ask, and what every answer tells a browser."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from serve_app.base.settings import Settings
from serve_app.http.errors import SECURITY_HEADERS
from tests.unit.serve_app.http.fake_server import JSON, api, client

KEY = "Schlüssel-鍵 1"


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()


@pytest.fixture
def locked(settings: Settings) -> FastAPI:
    return api(settings, api_key=SecretStr(KEY))


@pytest.mark.parametrize(
    "path",
    ["/jobs", "/api/v1/status", "/docs", "/docs/swagger-ui.css", "/openapi.json", "/no/such/path", "/health/x", "/healthz", "/ready/x"],
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


async def test_the_key_may_come_from_a_file(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    locked = api(settings, api_key_file=tmp_path / "key")
    async with client(locked) as http:
        assert (await http.get("/jobs")).status_code == 401
        assert (await http.get("/jobs", headers={b"X-API-Key": KEY.encode()})).status_code == 200
    assert "securitySchemes" in locked.openapi()["components"]


async def test_health_and_readiness_need_no_key(locked: FastAPI) -> None:
    async with client(locked) as http:
        assert (await http.get("/health")).json()["status"] == "healthy"
        assert (await http.get("/ready")).json()["status"] == "ready"


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
            assert ("401" in operation["responses"]) == bool(operation.get("security")) == (path not in ("/health", "/ready"))
    assert "securitySchemes" not in api(settings).openapi()["components"]


@pytest.mark.parametrize(
    "path", ["/health", "/jobs", "/jobs/x", "/nothing", "/api/v1/status", "/docs", "/docs/swagger-ui.css", "/jobs?limit=x"]
)
async def test_every_answer_has_the_security_headers(settings: Settings, path: str) -> None:
    async with client(api(settings)) as http:
        answer = await http.get(path)
    assert {name.lower() for name in SECURITY_HEADERS} <= set(answer.headers)
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/docs/", "/jobs/", "//evil.example/jobs/"])
async def test_no_redirect_names_the_host_that_was_asked(settings: Settings, path: str) -> None:
    async with client(api(settings)) as http:
        answer = await http.get(path, headers={"Host": "evil.example"})
    assert answer.status_code == 404 and "evil.example" not in answer.text.replace(path, "") + str(answer.headers)


async def test_cors_is_closed_unless_opened(settings: Settings) -> None:
    ask = {"Origin": "https://tools.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    async with client(api(settings)) as http:
        answer = await http.options("/jobs", headers=ask)
        assert answer.status_code == 204 and not any(name.startswith("access-control") for name in answer.headers)
    opened = api(settings, api_key=SecretStr(KEY), cors_origins=["https://tools.example"])
    async with client(opened) as http:
        answer = await http.options("/jobs", headers=ask)
        assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == "https://tools.example"
        refused = await http.get("/jobs", headers={"Origin": "https://tools.example"})
        assert refused.status_code == 401 and "access-control-allow-origin" in refused.headers
        answer = await http.options("/jobs", headers={**ask, "Origin": "https://evil.example"})
        assert answer.status_code == 400 and "access-control-allow-origin" not in answer.headers
