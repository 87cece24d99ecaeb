"""Tickets to download: of one job's archive, for their time, and of nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.http.tickets import BEGIN_WITHIN_SEC, COOKIE, IDLE_SEC, MOST, Tickets
from serve_app.service.archives import ArchiveFacts
from tests.unit.serve_app.http.fake_server import FakeService, api, client

ZIP = "/api/v1/jobs/{}/templates.zip"
KEY = {"X-API-Key": "the key"}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def cookie(secret: str) -> list[tuple[bytes, bytes]]:
    return [(b"cookie", f"theme=dark; {COOKIE}={secret}".encode())]


def test_a_ticket_is_good_for_its_job_and_its_time() -> None:
    clock = Clock()
    tickets = Tickets(clock)
    secret = tickets.issue("a")
    assert (
        not tickets.admits(ZIP.format("b"), cookie(secret))
        and not tickets.admits(ZIP.format("a"), cookie(""))
        and not tickets.admits(ZIP.format("a"), [])
    )
    for path in ("/api/v1/jobs/a", "/api/v1/jobs/a/manifest.json", "/api/v1/jobs/a/templates.zip/", "/api/v1/jobs/a/views/0/rgb.png"):
        assert not tickets.admits(path, cookie(secret))
    clock.now += BEGIN_WITHIN_SEC
    assert not tickets.admits(ZIP.format("a"), cookie(secret))


def test_a_download_that_has_begun_goes_on() -> None:
    clock = Clock()
    tickets = Tickets(clock)
    secret = tickets.issue("a")
    for _ in range(20):
        assert tickets.admits(ZIP.format("a"), cookie(secret))
        clock.now += IDLE_SEC - 1
    clock.now += 1
    assert not tickets.admits(ZIP.format("a"), cookie(secret))


def test_their_number_is_bounded() -> None:
    tickets = Tickets(Clock())
    secrets = [tickets.issue(f"job-{number}") for number in range(MOST + 1)]
    assert len(set(secrets)) == MOST + 1
    assert not tickets.admits(ZIP.format("job-0"), cookie(secrets[0]))
    assert tickets.admits(ZIP.format("job-1"), cookie(secrets[1]))


class Archives:
    """Has an archive of every job but one."""

    async def facts(self, job_id: str) -> ArchiveFacts:
        if job_id == "gone":
            raise ServiceError("results_gone", "its files were removed")
        return ArchiveFacts(3, "etag")

    async def chunks(self, job_id: str, etag: str, start: int, stop: int) -> AsyncIterator[bytes]:
        yield job_id.encode().ljust(3)[start:stop]


class HasArchives(FakeService):
    results = SimpleNamespace(archives=Archives())


@pytest.fixture
def locked(settings: Settings) -> FastAPI:
    return api(settings, HasArchives(), api_key=SecretStr("the key"))


async def test_a_browser_downloads_with_its_cookie_and_nothing_else_opens(locked: FastAPI) -> None:
    async with client(locked) as http:
        assert (await http.post("/api/v1/jobs/a/download-ticket")).status_code == 401
        given = await http.post("/api/v1/jobs/a/download-ticket", headers=KEY)
        assert given.status_code == 204 and not given.content
        said = given.headers["Set-Cookie"].lower()
        assert all(word in said for word in ("httponly", "samesite=strict", f"max-age={BEGIN_WITHIN_SEC}"))
        assert "path=" not in said and "secure" not in said  # Of this job alone, by the address that was asked; this is no TLS.
        cookies = {"Cookie": given.headers["Set-Cookie"].partition(";")[0]}
        assert (await http.get("/api/v1/jobs/a/templates.zip", headers=cookies)).content == b"a  "
        assert (await http.head("/api/v1/jobs/a/templates.zip", headers=cookies)).status_code == 200
        part = await http.get("/api/v1/jobs/a/templates.zip", headers={**cookies, "Range": "bytes=1-"})
        assert part.status_code == 206
        for path in ("/api/v1/jobs/b/templates.zip", "/api/v1/jobs/a", "/api/v1/jobs/a/views", "/api/v1/jobs", "/jobs/a/templates.zip"):
            assert (await http.get(path, headers=cookies)).status_code == 401, path
        for method in ("POST", "PUT", "DELETE"):
            assert (await http.request(method, "/api/v1/jobs/a/templates.zip", headers=cookies)).status_code == 401
        assert (await http.post("/api/v1/jobs/a/download-ticket", headers=cookies)).status_code == 401  # It makes no other.


async def test_what_cannot_be_downloaded_has_no_ticket(locked: FastAPI) -> None:
    async with client(locked) as http:
        answer = await http.post("/api/v1/jobs/gone/download-ticket", headers=KEY)
    assert answer.status_code == 410 and answer.json()["code"] == "results_gone" and "Set-Cookie" not in answer.headers


async def test_behind_tls_the_cookie_stays_there(locked: FastAPI) -> None:
    async with client(locked) as http:
        given = await http.post("/api/v1/jobs/a/download-ticket", headers={**KEY, "X-Forwarded-Proto": "https"})
    assert "secure" in given.headers["Set-Cookie"].lower()
