"""Answers that are files: with an ETag, and in parts where a client asks for a range."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from serve_app.http.byte_range import byte_range
from serve_app.http.head import is_head

FINAL = "private, max-age=3600"
"""What never changes under its address: the client need not ask again."""

CHANGING = "private, no-cache"
"""What may change: the client asks with the ETag that it has."""


def quoted(etag: str) -> str:
    """An ETag as headers have it."""
    return f'"{etag}"'


def knows(request: Request) -> Callable[[str], bool]:
    """Whether the client has what has an ETag: ``If-None-Match``."""
    told = request.headers.get("if-none-match", "")
    tags = {tag.strip().removeprefix("W/") for tag in told.split(",")}
    return lambda etag: "*" in tags or quoted(etag) in tags


def not_modified(etag: str, cache: str) -> Response:
    """304."""
    return Response(status_code=304, headers={"ETag": quoted(etag), "Cache-Control": cache})


def _range_of(request: Request, length: int, etag: str) -> tuple[int, int] | None:
    if is_head(request.scope):  # A range is defined for GET alone.
        return None
    headers = request.headers
    if_range = headers.get("if-range")
    return byte_range(headers.get("range", ""), length, None if if_range is None else if_range.encode("latin-1"), quoted(etag).encode())


def bytes_answer(request: Request, data: bytes, etag: str, media_type: str, cache: str) -> Response:
    """A file that is in memory."""
    headers = {"ETag": quoted(etag), "Cache-Control": cache, "Accept-Ranges": "bytes"}
    part = _range_of(request, len(data), etag)
    if part is None:
        return Response(data, media_type=media_type, headers=headers)
    headers["Content-Range"] = f"bytes {part[0]}-{part[1] - 1}/{len(data)}"
    return Response(data[slice(*part)], 206, media_type=media_type, headers=headers)


def stream_answer(
    request: Request, length: int, chunks: Callable[[int, int], AsyncIterator[bytes]], etag: str, media_type: str, cache: str, name: str
) -> Response:
    """A file that is read while it is sent.

    Args:
        request: says which part is wanted.
        length: bytes of all of it.
        chunks: gives the bytes from the first number up to the second one; not called where no body is wanted.
        etag: of it.
        media_type: of it.
        cache: ``Cache-Control``.
        name: of the file that a browser saves.
    """
    part = _range_of(request, length, etag)
    start, stop = part or (0, length)
    headers = {
        "ETag": quoted(etag),
        "Cache-Control": cache,
        "Accept-Ranges": "bytes",
        "Content-Length": str(stop - start),
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{length}"
    status = 200 if part is None else 206
    if is_head(request.scope):
        return Response(None, status, headers, media_type)
    return StreamingResponse(chunks(start, stop), status, headers, media_type)
