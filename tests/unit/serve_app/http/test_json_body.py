"""What is read of a body, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.http import json_body
from serve_app.http.json_body import MAX_DEPTH, parse_json
from tests.unit.serve_app.http.fake_server import JSON, api, post


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


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/mixed", "application/xml", "json", ";;;", "ÿ"]
)
async def test_only_json_is_read(settings: Settings, kind: str) -> None:
    answer = await post(api(settings), b'{"cad_path": "a", "output_dir": "b"}', {"Content-Type": kind.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 415 and answer.json()["code"] == "content_type_unsupported"


@pytest.mark.parametrize("kind", ["application/json", "APPLICATION/JSON; charset=utf-8", "application/vnd.render+json"])
async def test_json_by_any_of_its_names_is_read(settings: Settings, kind: str) -> None:
    answer = await post(api(settings), b'{"cad_path": "a", "output_dir": "b"}', {"Content-Type": kind})
    assert answer.json()["code"] == "cad_not_found"


@pytest.mark.timeout(60)
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
    answer = await post(api(settings, max_body_bytes=8_000_000), content)
    assert answer.status_code == (404 if "good" in says else 422) and says in answer.json()["detail"]
    assert len(answer.content) < 1000


def test_the_deepest_body_that_is_read() -> None:
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(ServiceError):
        parse_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
