"""New jobs are refused before their bodies are read, while none is taken."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.http.door import NEW_JOB_PATHS
from tests.unit.serve_app.http.fake_server import JSON, FakeService, api, client


class FullService(FakeService):
    """Takes no new job."""

    def check_open(self) -> None:
        raise ServiceError("queue_full", "the queue is full", retry_after_sec=7)


@pytest.mark.parametrize("path", NEW_JOB_PATHS)
async def test_a_new_job_is_refused_without_its_body(settings: Settings, path: str) -> None:
    asked: list[str] = []

    async def receive() -> dict[str, Any]:
        asked.append("the body")
        return {"type": "http.request", "body": b"{}", "more_body": False}

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"", "headers": []}
    await api(settings, FullService())(scope, receive, send)
    assert sent[0]["status"] == 429 and (b"retry-after", b"7") in sent[0]["headers"] and asked == []


async def test_what_may_repeat_an_earlier_request_is_read(settings: Settings) -> None:
    app = api(settings, FullService())
    body = {"cad_path": "a.ply", "output_dir": "out"}
    async with client(app) as http:
        for answer in (
            await http.post("/render/templates", json=body, headers={"Idempotency-Key": "k"}),
            await http.put("/jobs/mine", json=body),
        ):
            assert answer.json()["code"] == "cad_not_found"  # The service was asked.
        assert (await http.get("/health")).status_code == 200 and (await http.get("/jobs")).status_code == 200
        assert (await http.get("/render/templates")).status_code == 405


async def test_an_open_door_lets_everybody_in(settings: Settings) -> None:
    async with client(api(settings)) as http:
        assert (await http.post("/render/templates", content=b"{", headers=JSON)).status_code == 422


async def test_the_key_comes_first(settings: Settings) -> None:
    async with client(api(settings, FullService(), api_key=SecretStr("a key"))) as http:
        assert (await http.post("/render/templates", json={})).status_code == 401
        assert (await http.post("/render/templates", json={}, headers={"X-API-Key": "a key"})).status_code == 429
