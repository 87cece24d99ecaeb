"""``/docs``: Swagger UI, from files that are installed with the server, since a factory's network has no internet."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

_FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}
_CACHED = {"Cache-Control": "private, max-age=86400"}


def docs_router(app: FastAPI) -> APIRouter:
    """The page and the files that it loads, all below ``/docs``."""
    router = APIRouter(include_in_schema=False)
    # Relative to /docs, so that the page works behind a proxy's prefix too.
    page = bytes(
        get_swagger_ui_html(
            openapi_url="openapi.json",
            title=app.title,
            swagger_js_url="docs/swagger-ui-bundle.js",
            swagger_css_url="docs/swagger-ui.css",
            swagger_favicon_url="docs/favicon.png",
        ).body
    )
    policy = _policy(page)

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": policy})

    for name, kind in _FILES.items():
        router.add_api_route(f"/docs/{name}", _sender(name, kind), methods=["GET"])
    return router


def _sender(name: str, kind: str):  # type: ignore[no-untyped-def]  # FastAPI would take an annotation for a response model.
    path = str(files("fastapi_offline") / "static" / name)

    async def send() -> FileResponse:
        return FileResponse(path, media_type=kind, headers=_CACHED)

    return send


def _policy(page: bytes) -> str:
    """A content security policy under which the page works: its own files, and its one inline script by its hash."""
    script = re.search(rb"<script>(.*?)</script>", page, re.DOTALL)
    if script is None:
        raise RuntimeError("FastAPI's Swagger page has no inline script any more; adjust its content security policy")
    digest = base64.b64encode(hashlib.sha256(script[1]).digest()).decode()
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
