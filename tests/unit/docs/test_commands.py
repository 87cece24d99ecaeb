"""What README and the documentation name is there: commands, flags, endpoints, fields, targets of make, files."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from serve_app.base.settings import Settings
from serve_app.cli.parser import make_parser
from serve_app.http.routes import build_api
from tests.docs_blocks import PAGES, ROOT, Block, all_blocks, inline_code
from tools.reference.command_line import subcommands

BLOCKS = all_blocks()
HOSTS = ("localhost:8004", "127.0.0.1:8004", "render.example", "SERVER:8004", "HEAD:8004")
UNLISTED = ("/", "/docs", "/openapi.json")
"""Served, and not in the OpenAPI document."""
ELSEWHERE = ("docs/capacity.md", "docs/cluster.md")
"""Pages that also name endpoints and ports of other programs."""


@cache
def parser() -> argparse.ArgumentParser:
    return make_parser()


@cache
def document() -> dict[str, Any]:
    def no_service() -> Any:
        raise RuntimeError("the document alone is wanted")

    return build_api(no_service, Settings(api_key=None, api_key_file=None)).openapi()


@cache
def patterns() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Of each path in the document, and of the older form of a newer one."""
    found = []
    for path, operations in document()["paths"].items():
        text = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
        found.append((re.compile(text.replace("/api/v1/jobs", "(?:/api/v1)?/jobs")), operations))
    return found


def operation(method: str, path: str) -> dict[str, Any] | None:
    for pattern, operations in patterns():
        if pattern.fullmatch(path) and method.lower() in operations:
            told: dict[str, Any] = operations[method.lower()]
            return told
    return None


def fields_of(schema: dict[str, Any]) -> set[str]:
    """Names of all properties that a schema allows."""
    if "$ref" in schema:
        return fields_of(document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    found = set(schema.get("properties", {}))
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        found |= fields_of(part)
    return found


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_is_marked(block: Block) -> None:
    assert block.is_marked, f"{block}: put <!-- run --> or <!-- not run: REASON --> on the line before, not {block.mark!r}"


def test_every_block_says_its_language() -> None:
    for page in PAGES:
        fences = re.findall(r"^ *```(.*)$", page.read_text(), re.M)
        assert all(fences[::2]) and not any(fences[1::2]), f"{page}: write `text` behind a fence of no language"


def our_commands() -> Iterator[tuple[Block, list[str]]]:
    for block in BLOCKS:
        for words in block.commands():
            at = next((place for place, word in enumerate(words) if word.rsplit("/", 1)[-1] == "render-server"), None)
            if at is not None and all("=" in word for word in words[:at]):
                yield block, [word for word in words[at + 1 :] if not word.startswith(">")]


@pytest.mark.parametrize(("block", "words"), list(our_commands()), ids=str)
def test_every_command_in_a_block_parses(block: Block, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        parser().parse_args(words)
    except SystemExit as ended:
        assert not ended.code, f"{block}: render-server {' '.join(words)}: {capsys.readouterr().err}"


def test_every_command_in_the_text_is_one() -> None:
    known = subcommands(parser())
    checked = 0
    for page in PAGES:
        for text in inline_code(page):
            words = text.split()
            if words[0] != "render-server" or len(words) == 1 or not re.fullmatch(r"[a-z-]+", words[1]):
                continue
            assert words[1] in known, f"{page}: {text}"
            flags = {flag for action in known[words[1]]._actions for flag in action.option_strings}
            named = {word.split("=")[0] for word in words[2:] if re.match(r"--?[a-z]", word)}
            assert named <= flags, f"{page}: {text}: {named - flags}"
            checked += 1
    assert checked > 20


def requests_of_curl() -> Iterator[tuple[Block, list[str], str]]:
    for block in BLOCKS:
        for words in block.commands():
            if words and words[0] == "curl":
                yield from ((block, words, word) for word in words if urlsplit(word).netloc in HOSTS)


@pytest.mark.parametrize(("block", "words", "url"), list(requests_of_curl()), ids=str)
def test_every_curl_asks_for_what_there_is(block: Block, words: list[str], url: str) -> None:
    given = {name: words[words.index(name) + 1] for name in ("-X", "-d", "--data", "-T") if name in words}
    body = given.get("-d") or given.get("--data")
    method = given.get("-X") or ("POST" if body or "-F" in words else "PUT" if "-T" in given else "HEAD" if "-I" in words else "GET")
    path = re.sub(r"\$\{?\w+\}?", "x", urlsplit(url).path)
    told = operation(method, path)
    assert told is not None or (path in UNLISTED and method == "GET"), f"{block}: {method} {path}"
    if told is not None:
        allowed = {parameter["name"] for parameter in told.get("parameters", ()) if parameter["in"] == "query"}
        assert set(parse_qs(urlsplit(url).query)) <= allowed, f"{block}: {url}"
    if told is not None and body is not None and body.startswith("{"):
        content = told["requestBody"]["content"]["application/json"]["schema"]
        assert set(json.loads(body)) <= fields_of(content), f"{block}: {body}"


def test_every_endpoint_in_the_text_is_one() -> None:
    checked = 0
    for page in PAGES:
        if str(page.relative_to(ROOT)) in ELSEWHERE:
            continue
        for text in inline_code(page):
            found = re.fullmatch(r"(GET|POST|PUT|DELETE|PATCH|HEAD) (/[^ ?]*)(\?\S*)?", text)
            if not found or "..." in text:
                continue
            method, path = found[1].replace("HEAD", "GET"), re.sub(r"\{\w+\}|ID\b", "0", found[2])
            assert operation(method, path) or operation(found[1], path) or path in UNLISTED, f"{page}: {text}"
            checked += 1
    assert checked > 40


def test_every_target_of_make_is_one() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {(page, text.split()[1]) for page in PAGES for text in inline_code(page) if re.match(r"make [a-z-]+", text)}
    named |= {(block.page, words[1]) for block in BLOCKS for words in block.commands() if words[:1] == ["make"] and len(words) > 1}
    assert not [place for place in named if place[1] not in targets]
    assert len(named) > 20


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for name in ("README.md", "README.ko.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"):
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / name).read_text()):
            assert link.startswith("https://") or (ROOT / link).exists(), f"{name}: {link}"


def test_every_setting_in_the_text_is_one() -> None:
    prefix = Settings.model_config["env_prefix"]
    known = {str(field.validation_alias or f"{prefix}{name}").upper() for name, field in Settings.model_fields.items()}
    known |= {"RENDER_SERVER_URL", "RENDER_UID", "RENDER_GID", "RENDER_SERVER_PUBLISH"}  # Of commands, and of compose.yaml.
    for page in PAGES:
        named = {text for text in inline_code(page) if re.fullmatch(r"RENDER_[A-Z_]*[A-Z]", text)}
        assert named <= known, f"{page}: {named - known}"


def test_the_readme_is_short() -> None:
    for name in ("README.md", "README.ko.md"):
        assert len((ROOT / name).read_text().splitlines()) <= 150
