"""Paths of results that lead nowhere, and how files are answered."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import Request

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.http.content import bytes_answer, knows, stream_answer
from tests.unit.serve_app.http.fake_server import FakeService, api, client


class NoResults(FakeService):
    """Has no files of any job."""

    class _Nothing:
        def __getattr__(self, name: str) -> Any:
            async def refuse(*args: Any) -> None:
                raise ServiceError("job_not_found", "job not found", "job_id")

            return self if name in ("pictures", "archives") else refuse

    results = _Nothing()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("views/0/rgb.png", 404),
        ("views/-1/rgb.png", 422),
        ("views/1e3/rgb.png", 422),
        ("views/99999999999999999999/rgb.png", 422),
        ("views/0/manifest.json", 422),
        ("views/0/..%2F..%2Fmanifest.json", 404),
        ("views/0/%2e%2e", 422),
        ("views/0/rgb.png%00", 422),
        ("views/0/", 404),
        ("contact-sheet.png?size=4", 422),
        ("contact-sheet.png?columns=0", 422),
        ("contact-sheet.png?kind=depth", 422),
        ("templates.zip", 404),
        ("manifest.json", 404),
    ],
)
@pytest.mark.parametrize("prefix", ["/api/v1", ""])
async def test_a_path_that_leads_nowhere_is_refused(settings: Settings, path: str, status: int, prefix: str) -> None:
    async with client(api(settings, NoResults())) as http:
        answer = await http.get(f"{prefix}/jobs/a/{path}")
    assert answer.status_code == status and set(answer.json()) >= {"detail", "code", "field"}


def request(**headers: str) -> Request:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "headers": named, "path": "/"})


def test_a_file_is_answered_whole_in_part_or_not_at_all() -> None:
    whole = bytes_answer(request(), b"0123456789", "tag", "image/png", "private")
    part = bytes_answer(request(range="bytes=2-3"), b"0123456789", "tag", "image/png", "private")
    assert (whole.status_code, whole.body, whole.headers["etag"]) == (200, b"0123456789", '"tag"')
    assert (part.status_code, part.body, part.headers["content-range"]) == (206, b"23", "bytes 2-3/10")
    head = Request({**request(range="bytes=2-3").scope, "render_server.head": True})
    assert bytes_answer(head, b"0123456789", "tag", "image/png", "private").status_code == 200  # A range is of GET alone.
    assert whole.headers["accept-ranges"] == "bytes" and whole.headers["cache-control"] == "private"


@pytest.mark.parametrize(
    ("told", "known"), [('"tag"', True), ('W/"tag"', True), ('"a", "tag"', True), ("*", True), ('"other"', False), ("tag", False)]
)
def test_what_a_client_has_is_told_by_its_tag(told: str, known: bool) -> None:
    assert knows(request(if_none_match=told))("tag") == known
    assert not knows(request())("tag")


def test_of_a_file_that_is_only_asked_about_nothing_is_read() -> None:
    def chunks(start: int, stop: int) -> Any:
        raise AssertionError("it was read")

    asked = Request({"type": "http", "method": "GET", "headers": [], "path": "/", "render_server.head": True})
    answer = stream_answer(asked, 10, chunks, "tag", "application/zip", "private", "a.zip")
    assert answer.headers["content-length"] == "10" and answer.body == b""
