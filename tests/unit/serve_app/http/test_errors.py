"""Every failure has a code that is known, and every code a status."""

from __future__ import annotations

import ast
from http import HTTPStatus
from pathlib import Path
from typing import get_args

import pytest

from render_actor.contract.types import FailureCode
from serve_app.base.errors import CODES, ServiceError
from serve_app.http.errors import STATUS, error_response

SOURCE = Path(__file__).parents[4] / "serve_app"


def test_every_code_has_a_status_and_no_other() -> None:
    assert set(STATUS) == CODES
    assert all(HTTPStatus(status) >= 400 for status in STATUS.values())


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
