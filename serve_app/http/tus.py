"""tus 1.0: uploads that go on where a connection was lost. Core, creation, expiration, checksum, termination."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from fastapi import Request, Response

from serve_app.base.errors import ServiceError
from serve_app.http.errors import failure
from serve_app.http.pace import in_large_pieces, paced
from serve_app.service.service import RenderService
from serve_app.uploads.resumable import CHECKSUMS, Partial
from serve_app.uploads.upload import Upload

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,checksum,termination"
PIECE = "application/offset+octet-stream"

ASKED = ("Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Metadata", "Upload-Checksum")
TOLD = ("Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Upload-Length", "Upload-Offset", "Upload-Expires")
"""Headers that a page of another origin may send, and read."""

CHECKSUM_PATTERN = f"^({'|'.join(CHECKSUMS)}) [A-Za-z0-9+/]+={{0,2}}$"

MAX_DIGITS = 18
"""Of a number of bytes."""

TUS_FAILURES: dict[int | str, dict[str, Any]] = {
    412: failure("`Tus-Resumable` is no version of tus that is spoken here."),
    460: failure("The piece has another checksum than `Upload-Checksum` says; nothing of it was kept."),
}
"""How the OpenAPI document describes the failures that tus alone has."""


def wants_tus(request: Request) -> bool:
    """Whether a request speaks tus."""
    return "tus-resumable" in request.headers


def check_version(request: Request) -> None:
    """Refuse another version of tus.

    Raises:
        ServiceError: ``validation_error`` where none is said, or ``tus_version_unsupported``.
    """
    version = request.headers.get("tus-resumable")
    if version is None:
        raise _missing("Tus-Resumable", f"`{VERSION}`, the version of tus")
    if version != VERSION:
        raise ServiceError("tus_version_unsupported", f"send `Tus-Resumable: {VERSION}`; got {str(version)[:40]!r}", "Tus-Resumable")


def capabilities(service: RenderService, allow: str) -> dict[str, str]:
    """Headers that tell what of tus is spoken here, and which methods are."""
    return {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(service.uploads.limits.upload_bytes),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
        "Allow": allow,
    }


def progress_headers(service: RenderService, found: Partial | Upload) -> dict[str, str]:
    """Headers that tell how far an upload is."""
    whole = isinstance(found, Upload)
    expires_at = service.uploads.expires_at(found) if isinstance(found, Upload) else service.resumable.expires_at(found)
    offset, length = (found.sent_bytes, found.sent_bytes) if isinstance(found, Upload) else (found.offset, found.length)
    told = {"Tus-Resumable": VERSION, "Upload-Offset": str(offset), "Upload-Length": str(length)}
    return told | {"Upload-Expires": formatdate(expires_at, usegmt=True)} | ({} if whole else {"Cache-Control": "no-store"})


async def create(request: Request, service: RenderService, path: str) -> Response:
    """Begin an upload: ``POST`` with ``Upload-Length`` and ``Upload-Metadata``.

    Args:
        request: speaks tus.
        service: receives it.
        path: of all uploads, for ``Location``.
    """
    check_version(request)
    if request.headers.get("upload-defer-length") is not None:
        raise ServiceError("validation_error", "Upload-Defer-Length is not supported; say Upload-Length", "Upload-Defer-Length")
    length = _number(request, "Upload-Length")
    if not length:
        raise ServiceError("validation_error", "Upload-Length must be at least 1; got 0", "Upload-Length")
    partial = await service.resumable.create(_file_name(request), length)
    return Response(status_code=201, headers={"Location": f"{path}/{partial.upload_id}", **progress_headers(service, partial)})


@dataclass(frozen=True)
class Piece:
    """What the headers of a ``PATCH`` say.

    Attributes:
        offset: byte of the file that it begins with.
        checksum: algorithm and digest, or None.
        declared_bytes: its length; 0 where it declares none.
    """

    offset: int
    checksum: tuple[str, bytes] | None
    declared_bytes: int


def piece_of(request: Request) -> Piece:
    """A piece by its headers: they are looked at before all else, so that a client which forgets one hears so, however the upload stands.

    Raises:
        ServiceError: one is missing or wrong.
    """
    check_version(request)
    kind = request.headers.get("content-type", "")
    if kind.split(";")[0].strip().lower() != PIECE:
        raise ServiceError("content_type_unsupported", f"send a piece as `Content-Type: {PIECE}`; got {kind[:80]!r}")
    declared = request.headers.get("content-length", "")
    size = int(declared[:MAX_DIGITS]) if declared.isascii() and declared.isdecimal() else 0
    return Piece(_number(request, "Upload-Offset"), _checksum(request), size)


async def append(request: Request, service: RenderService, upload_id: str, piece: Piece) -> Response:
    """Take a piece: ``PATCH`` with ``Upload-Offset``, and ``Upload-Checksum`` if the client likes."""
    partial = service.resumable.find(upload_id)
    if isinstance(partial, Upload):
        raise ServiceError("upload_offset_conflict", f"the upload is whole: all its {partial.sent_bytes} bytes are there", "Upload-Offset")
    found = await service.resumable.append(partial, piece.offset, in_large_pieces(paced(request)), piece.checksum)
    return Response(status_code=204, headers=progress_headers(service, found))


def _missing(name: str, what: str) -> ServiceError:
    return ServiceError("validation_error", f"the header {name} is required: {what}", name)


def _number(request: Request, name: str) -> int:
    text = request.headers.get(name)
    if text is None:
        raise _missing(name, "a number of bytes")
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        raise ServiceError("validation_error", f"{name} must be a number of bytes; got {text[:40]!r}", name)
    return int(text)


def _file_name(request: Request) -> str:
    for pair in request.headers.get("upload-metadata", "").split(","):
        key, _, value = pair.strip().partition(" ")
        if key in ("filename", "name"):
            try:
                return base64.b64decode(value, validate=True).decode()
            except (binascii.Error, ValueError) as error:
                raise ServiceError("validation_error", f"{key} in Upload-Metadata is no UTF-8 text in Base64", "Upload-Metadata") from error
    raise ServiceError("validation_error", "Upload-Metadata must say `filename`, in Base64: its ending is the format", "Upload-Metadata")


def _checksum(request: Request) -> tuple[str, bytes] | None:
    text = request.headers.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, digest = text.strip().partition(" ")
    try:
        if algorithm not in CHECKSUMS:
            raise ValueError(algorithm)
        return algorithm, base64.b64decode(digest, validate=True)
    except (binascii.Error, ValueError) as error:
        detail = f"Upload-Checksum must be {' or '.join(CHECKSUMS)} and a digest in Base64; got {text[:80]!r}"
        raise ServiceError("validation_error", detail, "Upload-Checksum") from error
