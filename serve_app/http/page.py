"""``/``: the page for people, and the files that it loads, all below ``/page``; none of them needs the key, and none names a host."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from render_actor.contract.cameras import POSE_LIST_RADIUS, camera_poses

PAGE_PREFIX = "/page/"
"""Below it lies nothing but the page's own files."""

_FOLDER = "page"
_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "md": "text/plain; charset=utf-8",
}
"""Media types by ending; of a package's license, which has none, plain text."""

_COMPRESSED = ("text/", "application/json", "image/svg+xml")
_KEPT = "public, max-age=31536000, immutable"
"""For files whose address holds their version."""
_ASKED_AGAIN = "no-cache"


@dataclass(frozen=True)
class Asset:
    """A file of the page.

    Attributes:
        packed: ``data`` compressed by gzip; None where that is no smaller.
        cache_control: how long a browser may keep it without asking.
    """

    data: bytes
    packed: bytes | None
    etag: str
    kind: str
    cache_control: str


def page_router() -> APIRouter:
    """The page and its files."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def page(request: Request) -> Response:
        asset = _assets()["index.html"]
        return _answer(request, asset, {"Content-Security-Policy": _policy(asset.data)})

    @router.get(PAGE_PREFIX + "{name:path}")
    async def page_file(request: Request, name: str) -> Response:
        asset = _assets().get(name)
        if asset is None or name == "index.html":  # Which has its policy at `/` alone.
            raise HTTPException(404)
        return _answer(request, asset, {})

    return router


def _answer(request: Request, asset: Asset, headers: dict[str, str]) -> Response:
    headers |= {"ETag": asset.etag, "Cache-Control": asset.cache_control, "Vary": "Accept-Encoding"}
    if asset.etag in (tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")):
        return Response(status_code=304, headers=headers)
    if asset.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        return Response(asset.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.kind)
    return Response(asset.data, headers=headers, media_type=asset.kind)


@cache  # A megabyte, read and compressed at the first request for the page: a server that nobody looks at has none of it.
def _assets() -> dict[str, Asset]:
    """Every file of the page by its path below ``/page``: what is not in here is not sent, whatever a path says."""
    found = dict(_walk(files("serve_app") / _FOLDER))
    for level in range(3):
        directions = [[round(float(x), 6) for x in pose[:3, 3] / POSE_LIST_RADIUS] for pose in camera_poses(level)]
        found[f"cameras/{level}.json"] = json.dumps(directions, separators=(",", ":")).encode()
    return {name: _asset(name, data) for name, data in found.items()}


def _walk(folder: Traversable, prefix: str = "") -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        found += _walk(entry, f"{prefix}{entry.name}/") if entry.is_dir() else [(prefix + entry.name, entry.read_bytes())]
    return found


def _asset(name: str, data: bytes) -> Asset:
    kind = _KINDS.get(name.rpartition(".")[2], "text/plain; charset=utf-8")
    packed = gzip.compress(data, 9, mtime=0) if kind.startswith(_COMPRESSED) else None
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    versioned = re.match(r"vendor/[^/]+-\d", name)
    return Asset(data, packed if packed and len(packed) < len(data) else None, etag, kind, _KEPT if versioned else _ASKED_AGAIN)


def _policy(page: bytes) -> str:
    """The page's content security policy: its own files alone, and its import map, which must stand in it, by its hash."""
    maps = re.findall(rb"<script type=\"importmap\">(.*?)</script>", page, re.DOTALL)
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'" for text in maps)
    return (
        f"default-src 'none'; script-src 'self' {hashes}; style-src 'self'; img-src 'self' blob:; connect-src 'self' blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
