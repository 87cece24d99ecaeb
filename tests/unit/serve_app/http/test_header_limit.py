from __future__ import annotations

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from serve_app.base.settings import Settings
from serve_app.http.errors import SECURITY_HEADERS
from serve_app.http.header_limit import MAX_HEADER_BYTES, MAX_HEADERS
from tests.unit.serve_app.http.fake_server import api, client

KEY = "a key"
SPARE = 1024
"""More than what the client sends by itself."""


@pytest.fixture
def locked(settings: Settings) -> FastAPI:
    return api(settings, api_key=SecretStr(KEY))


@pytest.mark.parametrize(
    ("path", "headers", "said"),
    [
        ("/jobs", [("X-Large", "x" * MAX_HEADER_BYTES)], str(MAX_HEADER_BYTES)),
        ("/jobs", [(f"X-{number}", "x" * 700) for number in range(60)], str(MAX_HEADER_BYTES)),
        ("/jobs", [("x" * MAX_HEADER_BYTES, "")], str(MAX_HEADER_BYTES)),
        ("/jobs", [("X-Many", "")] * MAX_HEADERS, f"more than {MAX_HEADERS}"),
        ("/jobs?q=" + "x" * MAX_HEADER_BYTES, [], str(MAX_HEADER_BYTES)),
        ("/" + "x" * MAX_HEADER_BYTES, [], str(MAX_HEADER_BYTES)),
        ("/health", [("X-Large", "x" * MAX_HEADER_BYTES)], str(MAX_HEADER_BYTES)),
    ],
)
async def test_too_much_is_refused_before_the_key_is_looked_at(
    locked: FastAPI, path: str, headers: list[tuple[str, str]], said: str
) -> None:
    for key in ([], [("X-API-Key", KEY)]):
        async with client(locked) as http:
            answer = await http.get(path, headers=[*headers, *key])
        assert answer.status_code == 431 and answer.json()["code"] == "headers_too_large" and said in answer.json()["detail"]
        assert {name.lower() for name in SECURITY_HEADERS} <= set(answer.headers) and len(answer.content) < 300


async def test_what_is_within_the_limits_passes(locked: FastAPI) -> None:
    many = [("X-API-Key", KEY), *[("X-Some", "x")] * (MAX_HEADERS - 10)]
    async with client(locked) as http:
        assert (await http.get("/jobs", headers=[("X-API-Key", KEY), ("Cookie", "x" * (MAX_HEADER_BYTES - SPARE))])).status_code == 200
        assert (await http.get("/jobs", headers=many)).status_code == 200
