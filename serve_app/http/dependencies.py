"""What several routes take: the service, the settings, and parameters of the path, the query and the headers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request

from serve_app.base.settings import Settings
from serve_app.http.request_id import request_id_of
from serve_app.http.wait_limit import WaitLimit
from serve_app.service.service import RenderService


# Coroutines, though they wait for nothing: FastAPI runs a plain function in a thread, for each request anew.
async def _service(request: Request) -> RenderService:
    service: RenderService = request.app.state.get_service()
    return service


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _wait_limit(request: Request) -> WaitLimit:
    wait_limit: WaitLimit = request.app.state.wait_limit
    return wait_limit


async def _request_id(request: Request) -> str:
    return request_id_of(request.scope["headers"])


Service = Annotated[RenderService, Depends(_service)]
ServerSettings = Annotated[Settings, Depends(_settings)]
ServerWaitLimit = Annotated[WaitLimit, Depends(_wait_limit)]
RequestId = Annotated[str, Depends(_request_id)]
Wait = Annotated[bool, Query(description="Answer when the job has ended.")]
WaitTimeout = Annotated[
    float | None,
    Query(
        le=86400,
        allow_inf_nan=False,
        description="With `wait`: answer `timeout` after so many seconds, 0 or less at once; the job goes on. Left out: no limit.",
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1, max_length=200, pattern=r"^[!-~]+$", description="Of your own making: one key, one job, however often it is sent."
    ),
]
Preferences = Annotated[
    str | None,
    Header(
        alias="Prefer",
        description="RFC 7240. `respond-async`: 202 with `Location` instead of 200. `wait=N`: as the query's `wait` with "
        "`wait_timeout_sec=N`. Both together: 202 when the job has not ended after N seconds. `wait` in the query goes before it.",
        examples=["respond-async, wait=10"],
    ),
]
JOB_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
JobId = Annotated[str, Path(pattern=JOB_ID_PATTERN, description="The job's id: the server's, or one of your own.")]
JobGroup = Annotated[
    str | None,
    Query(
        pattern=JOB_ID_PATTERN,
        description="Jobs of one group share one share of the renderers and are rendered in the order in which they came, as the items of "
        "a batch are; they are `batch` unless they say otherwise. Left out: each job is its own group.",
    ),
]
