"""The page's files: which are sent, to whom, and under which policy."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from serve_app.base.errors import CODES
from serve_app.base.settings import Settings
from tests.unit.serve_app.http.fake_server import api, client

PAGE = Path(__file__).parents[4] / "serve_app" / "page"
MODULES = sorted((PAGE / "js").rglob("*.js"))


async def ask(settings: Settings, path: str, headers: dict[str, str] | None = None, **changes: Any) -> httpx.Response:
    async with client(api(settings, **changes)) as http:
        return await http.get(path, headers=headers)


async def test_the_page_and_its_files_need_no_key_and_nothing_else_is_open(settings: Settings) -> None:
    key = SecretStr("a key")
    page = await ask(settings, "/", api_key=key)
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    assert (await ask(settings, "/page/js/main.js", api_key=key)).status_code == 200
    for path in ("/pages", "/page", "/api/v1/jobs", "/page/../api/v1/jobs", "/page/..%2Fjobs"):
        assert (await ask(settings, path, api_key=key)).status_code in (401, 404), path
    assert (await ask(settings, "/page/%2e%2e/jobs", api_key=key)).status_code in (401, 404)


@pytest.mark.parametrize(
    "name", ["no.js", "index.html", "../http/page.py", "..%2f..%2fpyproject.toml", "%2e%2e/http/page.py", "", "js", "js/"]
)
async def test_what_is_no_file_of_the_page_is_not_sent(settings: Settings, name: str) -> None:
    assert (await ask(settings, f"/page/{name}")).status_code == 404


async def test_the_policy_names_the_import_map_and_nobody_else(settings: Settings) -> None:
    page = await ask(settings, "/")
    policy = dict(part.strip().partition(" ")[::2] for part in page.headers["Content-Security-Policy"].split(";"))
    written = re.findall(r"<script type=\"importmap\">(.*?)</script>", page.text)
    digest = base64.b64encode(hashlib.sha256(written[0].encode()).digest()).decode()
    assert policy["script-src"] == f"'self' 'sha256-{digest}'" and policy["default-src"] == "'none'" and policy["style-src"] == "'self'"
    assert "unsafe" not in str(policy) and "http" not in str(policy) and policy["trusted-types"] == "'none'"
    assert page.headers["X-Content-Type-Options"] == "nosniff" and policy["frame-ancestors"] == "'none'"
    assert len(written) == 1 and not re.search(r"<(script(?! type| type=\"module\" src)|style)|\son\w+=|\sstyle=", page.text)


async def test_every_file_that_the_page_names_is_there_and_kept_under_its_version(settings: Settings) -> None:
    page = await ask(settings, "/")
    names = re.findall(r'(?:src|href)="(page/[^"]+)"', page.text)
    names += [
        path.removeprefix("./") + ("build/../LICENSE" if path.endswith("jsm/") else "") for path in re.findall(r'"(\./[^"]+)"', page.text)
    ]
    assert len(names) > 8
    for name in names:
        answer = await ask(settings, "/" + name.replace("examples/jsm/build/../", ""))
        assert answer.status_code == 200 and "immutable" in answer.headers["Cache-Control"], name
    assert "://" not in page.text


async def test_a_file_is_compressed_for_who_takes_it_and_not_sent_again(settings: Settings) -> None:
    path, headers = "/page/js/main.js", {"Accept-Encoding": "gzip, br"}
    packed, plain = await ask(settings, path, headers), await ask(settings, path, {"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert packed.content == plain.content == (PAGE / "js" / "main.js").read_bytes()
    assert len(gzip.compress(plain.content)) < len(plain.content) and packed.headers["Vary"] == "Accept-Encoding"
    again = await ask(settings, path, {"If-None-Match": f'"other", W/{plain.headers["ETag"]}'})
    assert again.status_code == 304 and not again.content and plain.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(("level", "count"), [(0, 42), (1, 162), (2, 642)])
async def test_the_cameras_are_told(settings: Settings, level: int, count: int) -> None:
    places = (await ask(settings, f"/page/cameras/{level}.json")).json()
    assert len(places) == count and all(abs(sum(x * x for x in place) - 1) < 1e-4 for place in places)


def test_both_languages_say_the_same_things() -> None:
    english, korean = (json.loads((PAGE / "i18n" / f"{name}.json").read_text()) for name in ("en", "ko"))
    assert list(english) == list(korean)
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", korean[key])), key
    used = {key for module in MODULES for key in re.findall(r"\bt\(\"([\w.]+)\"", module.read_text())}
    counted = {f"{key}.many" for module in MODULES for key in re.findall(r"\btn\(\"([\w.]+)\"", module.read_text())}
    assert (used | counted) <= set(english)


def test_every_error_has_its_sentence_and_its_remedy_in_korean() -> None:
    """What the server says is English: a code without them would stand there in English alone."""
    korean = json.loads((PAGE / "i18n" / "errors" / "ko.json").read_text())
    assert {key.partition(".")[2] for key in korean} == CODES
    for code in CODES:
        for key in (f"error.{code}", f"remedy.{code}"):
            assert re.search("[가-힣]", korean[key]) and korean[key].endswith("."), key
    english = json.loads((PAGE / "i18n" / "errors" / "en.json").read_text())  # The server's own sentence says the rest.
    assert set(english) <= set(korean)


def test_modules_are_small_and_make_no_markup_and_name_no_host() -> None:
    for module in MODULES:
        text = module.read_text()
        assert len(text.splitlines()) <= 300, module
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text), module
        assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)[^\"'`\s$]*", text), module


def test_what_others_made_is_as_they_published_it() -> None:
    for package in json.loads((PAGE / "vendor" / "vendor.json").read_text()):
        for name, digest in package["sha256"].items():
            assert hashlib.sha256((PAGE / "vendor" / name).read_bytes()).hexdigest() == digest, name
        assert f"{package['name']} {package['version']}: {package['license']}" in (PAGE / "vendor" / "LICENSES.md").read_text()
