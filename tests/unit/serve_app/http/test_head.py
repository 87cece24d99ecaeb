"""``HEAD`` of everything that ``GET`` answers, as the application's own table of routes has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from serve_app.base.settings import Settings
from serve_app.jobs.record import JobRecord
from tests.unit.serve_app.http.fake_server import FakeService, api, client

NEVER_THE_SAME = {"date"}


class ServiceWithAJob(FakeService):
    """Has one job, whatever its id."""

    async def job_record(self, job_id: str) -> JobRecord:
        return JobRecord(job_id, "queued", "a.ply", "out", "/x/out/templates", "/x/logs/a.log", created_at=1.0)

    async def job_log(self, job_id: str) -> str:
        return "event=started"


def routes(found: Any) -> Iterator[Any]:
    """Every route, also those of routers in routers."""
    for route in found:
        if hasattr(route, "effective_candidates"):
            yield from routes(route.effective_candidates())
        else:
            yield route


def paths(method: str) -> list[str]:
    return sorted({route.path for route in routes(api(Settings()).routes) if method in route.methods})


def test_the_table_of_routes_is_known() -> None:
    assert {"/health", "/ready", "/jobs", "/jobs/{job_id}", "/jobs/{job_id}/log", "/docs", "/openapi.json", "/api/v1/status"} <= set(
        paths("GET")
    )


@pytest.mark.parametrize("path", [*paths("GET"), "/nothing", "/jobs/.hidden", "/jobs?limit=0"])
async def test_head_is_get_without_its_body(settings: Settings, path: str) -> None:
    asked = path.replace(":path}", "}").format(job_id="a", upload_id="a", view=0, name="rgb.png")
    async with client(api(settings, ServiceWithAJob())) as http:
        http.headers["Accept-Encoding"] = "identity"
        got, head = await http.get(asked), await http.head(asked)
    assert head.status_code == got.status_code
    never_the_same = {*NEVER_THE_SAME, *(["content-length"] if path == "/health" else [])}  # It tells the time.
    assert {name: head.headers[name] for name in head.headers if name not in never_the_same} == {
        name: got.headers[name] for name in got.headers if name not in never_the_same
    }
    if got.status_code != 500:  # Of what nobody expected, the HTTP server itself leaves the body out.
        assert head.content == b""
    if path != "/health":  # It tells the time.
        assert int(head.headers["Content-Length"]) == len(got.content)


# There, `GET` shows a job that is called `cancel`.
@pytest.mark.parametrize("path", sorted(set(paths("POST")) - set(paths("GET")) - {"/api/v1/jobs/cancel"}))
async def test_what_only_takes_bodies_has_no_head(settings: Settings, path: str) -> None:
    async with client(api(settings)) as http:
        answer = await http.head(path)
    assert answer.status_code == 405 and answer.headers["Allow"] == "POST" and answer.content == b""


async def test_head_needs_the_key_too(settings: Settings) -> None:
    async with client(api(settings, api_key=SecretStr("a key"))) as http:
        assert (await http.head("/health")).status_code == 200
        refused = await http.head("/jobs")
        assert refused.status_code == 401 and refused.content == b"" and "WWW-Authenticate" in refused.headers
        assert (await http.head("/jobs", headers={"X-API-Key": "a key"})).status_code == 200


def test_the_document_describes_head_nowhere() -> None:
    """It is ``GET`` without a body: whoever reads the document knows it from there."""
    document = api(Settings()).openapi()
    assert not any("head" in operations for operations in document["paths"].values())
