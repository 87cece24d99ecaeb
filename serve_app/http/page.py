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
_ASKED_AGAIN = "no-cache"


@dataclass(frozen=True)
class Asset:
    """A file of the page.

    Attributes:
        packed: ``data`` compressed by gzip; None where that is no smaller.
    """

    data: bytes
    packed: bytes | None
    etag: str
    kind: str


@dataclass(frozen=True)
class Page:
    """The page's files.

    Attributes:
        version: of all of them. It is a part of their addresses: a browser keeps them for good, and never mixes those of two servers.
        assets: by their path below ``/page``; what is not in here is not sent, whatever a path says.
        index: the page itself.
        policy: its content security policy.
    """

    version: str
    assets: dict[str, Asset]
    index: Asset
    policy: str


def page_router() -> APIRouter:
    """The page and its files."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def page(request: Request) -> Response:
        now = _page()
        return _answer(request, now.index, {"Content-Security-Policy": now.policy, "Cache-Control": _ASKED_AGAIN})

    @router.get(PAGE_PREFIX + "{name:path}")
    async def page_file(request: Request, name: str) -> Response:
        now = _page()
        version, _, rest = name.partition("/")
        asset = now.assets.get(rest if version == now.version else name)
        if asset is None:
            raise HTTPException(404)
        return _answer(request, asset, {"Cache-Control": _KEPT if version == now.version else _ASKED_AGAIN})

    return router


def _answer(request: Request, asset: Asset, headers: dict[str, str]) -> Response:
    headers |= {"ETag": asset.etag, "Vary": "Accept-Encoding"}
    if asset.etag in (tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")):
        return Response(status_code=304, headers=headers)
    if asset.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        return Response(asset.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.kind)
    return Response(asset.data, headers=headers, media_type=asset.kind)


@cache  # A megabyte, read and compressed at the first request for the page: a server that nobody looks at has none of it.
def _page() -> Page:
    found = dict(_walk(files("serve_app") / _FOLDER))
    index = found.pop("index.html")
    for level in range(3):
        directions = [[round(float(x), 6) for x in pose[:3, 3] / POSE_LIST_RADIUS] for pose in camera_poses(level)]
        found[f"cameras/{level}.json"] = json.dumps(directions, separators=(",", ":")).encode()
    version = hashlib.sha256(b"".join(name.encode() + data for name, data in sorted(found.items()))).hexdigest()[:16]
    index = index.replace(b"page/", f"page/{version}/".encode())
    assets = {name: _asset(name, data) for name, data in found.items()}
    return Page(version, assets, _asset("index.html", index), _policy(index))


def _walk(folder: Traversable, prefix: str = "") -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        found += _walk(entry, f"{prefix}{entry.name}/") if entry.is_dir() else [(prefix + entry.name, entry.read_bytes())]
    return found


def _asset(name: str, data: bytes) -> Asset:
    kind = _KINDS.get(name.rpartition(".")[2], "text/plain; charset=utf-8")
    packed = gzip.compress(data, 9, mtime=0) if kind.startswith(_COMPRESSED) else None
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    return Asset(data, packed if packed and len(packed) < len(data) else None, etag, kind)


def _policy(page: bytes) -> str:
    """The page's content security policy: its own files alone, and its import map, which must stand in it, by its hash."""
    maps = re.findall(rb"<script type=\"importmap\">(.*?)</script>", page, re.DOTALL)
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'" for text in maps)
    return (
        f"default-src 'none'; script-src 'self' {hashes}; style-src 'self'; img-src 'self' blob:; connect-src 'self' blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
