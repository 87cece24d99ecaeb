"""The HTTP routes of the server itself, and the application that holds all routes."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version

from fastapi import APIRouter, FastAPI

from serve_app.base.api_key import key_of
from serve_app.base.settings import Settings
from serve_app.http import batch, cancel, events, inspection, jobs, results, tickets, uploads, v1
from serve_app.http.dependencies import ServerSettings, Service
from serve_app.http.docs import docs_router
from serve_app.http.errors import HANDLERS, NOT_READY
from serve_app.http.json_body import JsonRoute
from serve_app.http.openapi import TAGS, complete_document, operation_id
from serve_app.http.page import page_router
from serve_app.http.responses import Health, Ready, ServerStatus
from serve_app.http.security import key_in_openapi, secure
from serve_app.http.status import server_status
from serve_app.http.wait_limit import WaitLimit
from serve_app.service.service import RenderService

public_router = APIRouter()
"""What is answered without the API key."""

router = APIRouter(route_class=JsonRoute)
"""What is told of the server."""


@public_router.get("/health", tags=["server"])
async def health() -> Health:
    """Whether the server answers. Whether it can render yet, `/ready` says."""
    return Health(message="Render Server is running", timestamp=round(time.time(), 3))


@public_router.get("/ready", tags=["server"], responses={503: NOT_READY})
async def ready(service: Service) -> Ready:
    """Whether to send requests here: a renderer is ready to render, and the server is not about to stop.

    A full queue does not count: that is 429, with its own `Retry-After`.
    """
    service.check_ready()
    return Ready(message="Render Server is ready to render")


@router.get("/api/v1/status", tags=["server"])
async def status(service: Service, settings: ServerSettings) -> ServerStatus:
    """The server, its renderers, its queue and its machine."""
    roots = zip(map(str, settings.output_roots), settings.resolved_output_roots, strict=True)  # By the names that the operator gave.
    return await server_status(service, dict(roots))


def build_api(get_service: Callable[[], RenderService], settings: Settings) -> FastAPI:
    """The FastAPI application.

    Args:
        get_service: gives the service to each request; inside Serve that is the replica's own.
        settings: of the service; here its API key, its limits of a body, a batch and requests that wait, and its CORS origins.
    """
    app = FastAPI(
        title="Render Server",
        version=version("render-server"),
        description="CAD model in, SAM-6D templates out: for each camera an RGB image, a mask and an object-coordinate map. "
        "Every answer has `X-Request-Id`: the request's own, or a new one.",
        docs_url=None,  # FastAPI's own pages load their scripts from the internet.
        redoc_url=None,
        openapi_tags=TAGS,
        contact={"name": "Whoever runs this server"},
        license_info={"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        servers=[{"url": ".", "description": "Wherever this document comes from, behind a proxy's prefix too."}],
        generate_unique_id_function=operation_id,
        redirect_slashes=False,  # A redirect would name the host that the request claims to have asked.
    )
    app.state.get_service, app.state.settings = get_service, settings
    app.state.wait_limit = WaitLimit(settings.max_waiting_requests)
    app.state.tickets = tickets.Tickets()
    app.include_router(public_router)
    key = key_of(settings)
    secured = key_in_openapi(wanted=key is not None)
    # Before the jobs, whose paths end in an id: none of these words is one.
    for part in (router, jobs.begin_router, cancel.router, v1.router, batch.router, inspection.router, uploads.router):
        app.include_router(part, **secured)
    app.include_router(tickets.router, prefix=jobs.CANONICAL, **secured)
    for prefix in (jobs.CANONICAL, ""):
        app.include_router(jobs.router, prefix=prefix, **secured)
        app.include_router(results.router, prefix=prefix, include_in_schema=bool(prefix), **secured)
        app.include_router(events.router, prefix=prefix, include_in_schema=bool(prefix), **secured)
    app.include_router(docs_router(app))
    app.include_router(page_router())
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    complete_document(app)
    secure(app, settings, key, get_service)
    return app
