"""The HTTP application before a service that has no jobs, for the tests of this folder."""

from __future__ import annotations

from typing import Any, cast

import httpx
from fastapi import FastAPI

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.http.routes import build_api
from serve_app.jobs.pages import JobPage, JobQuery
from serve_app.jobs.record import JobRecord
from serve_app.service.service import RenderService

JSON = {"Content-Type": "application/json"}


class FakeService:
    """Answers what the routes ask for, without a job store or a renderer."""

    async def job_list(self, query: JobQuery) -> JobPage:
        return JobPage([], query.limit, None)

    async def job_record(self, job_id: str) -> JobRecord:
        raise ServiceError("job_not_found", "job not found", "job_id")

    async def state(self) -> None:
        raise RuntimeError("a secret of the server's")

    def check_open(self) -> None:
        """Every new job may come in."""

    def check_ready(self) -> None:
        """A renderer is ready."""

    async def cancel(self, job_id: str) -> JobRecord:
        return await self.job_record(job_id)

    async def accept(self, request: Any, group: str = "", **keys: Any) -> None:
        raise ServiceError("cad_not_found", "a good request comes this far", "cad_path")


def api(settings: Settings, service: FakeService | None = None, **changes: Any) -> FastAPI:
    """The application of a service, with some settings changed."""
    answering = service or FakeService()
    return build_api(lambda: cast(RenderService, answering), settings.model_copy(update=changes))


def client(app: FastAPI) -> httpx.AsyncClient:
    """A client of an application, without a network."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://server")


async def post(app: FastAPI, content: Any, headers: dict[str, str] | None = None, path: str = "/render/templates") -> httpx.Response:
    """Send a body."""
    async with client(app) as http:
        return await http.post(path, content=content, headers=JSON if headers is None else headers)
