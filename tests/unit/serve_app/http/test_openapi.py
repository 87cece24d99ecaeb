"""The OpenAPI document: valid, and complete enough for whoever makes a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import SecretStr

from serve_app.base.errors import CODES
from serve_app.base.settings import Settings
from serve_app.http.error_examples import ERROR_EXAMPLES
from serve_app.http.errors import STATUS
from serve_app.http.openapi import OLDER, SUMMARIES, TAGS
from tests.unit.serve_app.http.fake_server import api


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return api(Settings(), api_key=SecretStr("a key for the test")).openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, found in document["paths"].items():
        for method, operation in found.items():
            yield path, method, operation


def test_it_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in TAGS}
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids)) and {each.removesuffix(OLDER) for each in ids} == set(SUMMARIES)
    for path, method, operation in operations(document):
        name = operation["operationId"].removesuffix(OLDER)
        assert operation["summary"] == SUMMARIES[name] and operation["description"], path
        assert set(operation["tags"]) <= tags and len(operation["tags"]) == 1, path
        assert operation["operationId"].endswith(OLDER) == path.startswith(("/jobs", "/cad/")), (method, path)


def test_every_path_of_a_job_is_there_twice_and_of_what_is_new_once(document: dict[str, Any]) -> None:
    older = {path for path in document["paths"] if path.startswith("/jobs")}
    assert {f"/api/v1{path}" for path in older} <= set(document["paths"])
    assert older == {"/jobs", "/jobs/{job_id}", "/jobs/{job_id}/log", "/jobs/{job_id}/manifest"}


def test_every_body_and_every_failure_has_an_example(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            if kind in ("multipart/form-data", "application/offset+octet-stream"):  # Files, of which JSON can hold none.
                continue
            schema = content["schema"]
            model = document["components"]["schemas"].get(str(schema.get("$ref", "")).rpartition("/")[2], schema)
            assert "example" in content or "examples" in content or model.get("examples"), (method, path, kind)
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                told = response["content"]["application/json"]
                assert told["schema"]["$ref"].endswith("/ErrorBody")
                for code, example in told.get("examples", {}).items():
                    assert example["value"]["code"] == code and STATUS[code] == int(status)
                assert told.get("examples") or told["example"], (method, path, status)


def test_every_code_has_an_example() -> None:
    assert set(ERROR_EXAMPLES) == CODES


def test_what_is_answered_without_the_key_is_said_to_be(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        assert (operation.get("security") == []) == (path in ("/health", "/ready")) and ("401" in operation["responses"]) == (
            path not in ("/health", "/ready")
        ), path
