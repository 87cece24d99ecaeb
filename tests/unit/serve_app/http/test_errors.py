"""Every failure has a code that is known, and every code a status."""

from __future__ import annotations

import ast
from http import HTTPStatus
from pathlib import Path
from typing import get_args

import pytest

from render_actor.contract.types import FailureCode
from serve_app.base.errors import CODES, ServiceError
from serve_app.base.metrics import REFUSALS
from serve_app.base.settings import Settings
from serve_app.http.errors import STATUS, error_response
from tests.unit.serve_app.http.fake_server import api, client

SOURCE = Path(__file__).parents[4] / "serve_app"


def test_every_code_has_a_status_and_no_other() -> None:
    assert set(STATUS) == CODES
    of_tus = {460}
    assert all(HTTPStatus(status) >= 400 for status in set(STATUS.values()) - of_tus)


def test_a_renderers_codes_are_known() -> None:
    assert set(get_args(FailureCode)) <= CODES


def test_every_code_that_the_source_names_is_known() -> None:
    named: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ServiceError":
                first = next(iter(node.args), None)
                if isinstance(first, ast.Constant):
                    named.add(str(first.value))
    assert len(named) > 20 and named <= CODES


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("validation_error", 422),
        ("queue_full", 429),
        ("output_busy", 409),
        ("cad_quarantined", 422),
        ("storage_full", 507),
        ("store_unavailable", 503),
        ("job_not_found", 404),
    ],
)
def test_what_clients_rely_on(code: str, status: int) -> None:
    assert error_response(ServiceError(code, "words")).status_code == status


def test_when_to_come_back_is_a_header() -> None:
    response = error_response(ServiceError("queue_full", "words", retry_after_sec=7))
    assert response.headers["Retry-After"] == "7"
    assert "Retry-After" not in error_response(ServiceError("queue_full", "words")).headers


async def test_a_fault_tells_nothing_of_itself(settings: Settings) -> None:
    async with client(api(settings)) as http:
        answer = await http.get("/api/v1/status")
    assert answer.status_code == 500 and answer.json()["code"] == "internal_error"
    assert "secret" not in answer.text and "Traceback" not in answer.text


async def test_a_host_that_is_none_is_no_fault(settings: Settings) -> None:
    async with client(api(settings)) as http:
        assert (await http.get("/nothing", headers={"Host": "["})).status_code == 404


@pytest.mark.parametrize("job_id", ["%00", "%ED%A0%80", "a" * 65, "a%0A", ".hidden", "a%20b"])
async def test_an_id_that_no_job_can_have_is_refused(settings: Settings, job_id: str) -> None:
    async with client(api(settings)) as http:
        answer = await http.get(f"/jobs/{job_id}")
        assert answer.status_code == 422 and answer.json()["field"] == "job_id"
        assert (await http.get("/jobs/" + "a" * 64)).status_code == 404


async def test_a_method_that_is_not_offered(settings: Settings) -> None:
    async with client(api(settings)) as http:
        answer = await http.request("DELETE", "/health")
        only_post = await http.head("/render/templates")
        of_its_own = await http.options("/api/v1/jobs/cancel")
    assert answer.status_code == 405 and answer.json()["code"] == "method_not_allowed" and answer.headers["Allow"] == "GET, HEAD"
    assert only_post.status_code == 405 and only_post.headers["Allow"] == "POST"
    assert of_its_own.status_code == 204 and of_its_own.headers["Allow"] == "OPTIONS, POST"


def test_every_documented_failure_has_a_code() -> None:
    document = api(Settings()).openapi()
    for operations in document["paths"].values():
        for operation in operations.values():
            failures = {int(status) for status in operation["responses"] if int(status) >= 400}
            assert failures <= set(STATUS.values())
            for status in failures:
                assert operation["responses"][str(status)]["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorBody")


async def test_each_failure_that_is_answered_is_counted_by_its_code(settings: Settings) -> None:
    async with client(api(settings, max_batch_items=3)) as http:
        REFUSALS.take()
        for path in ("/nothing", "/nothing", "/jobs/some-id"):
            assert (await http.get(path)).status_code == 404
        await http.get("/health")
        assert (await http.delete("/health")).status_code == 405
        assert (await http.get("/api/v1/status")).status_code == 500
        assert REFUSALS.take() == {("not_found",): 2, ("job_not_found",): 1, ("method_not_allowed",): 1, ("internal_error",): 1}
        items = [{"cad_path": "a.ply", "output_dir": "out"}] * 2 + [{"cad_path": 3}]
        assert (await http.post("/api/v1/render-templates-batch", json={"items": items})).json()["failed"] == 3
        assert REFUSALS.take() == {("cad_not_found",): 2, ("validation_error",): 1}
