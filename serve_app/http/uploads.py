"""``/api/v1/uploads``: files of clients that do not share the server's disk."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from serve_app.base.errors import ServiceError
from serve_app.http import tus
from serve_app.http.dependencies import Service
from serve_app.http.errors import failures
from serve_app.http.multipart import is_multipart
from serve_app.http.received import FILES_SCHEMA, receiver_of
from serve_app.jobs.cad_choice import UPLOAD_ID_PATTERN
from serve_app.service.service import RenderService
from serve_app.uploads.resumable import Partial
from serve_app.uploads.upload import Upload

router = APIRouter(prefix="/api/v1/uploads", tags=["uploads"])

UploadId = Annotated[str, Path(pattern=UPLOAD_ID_PATTERN, description="The upload's id.")]

_ID = "0123456789abcdef0123456789abcdef"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_EXAMPLE: dict[str, Any] = {
    "upload_id": _ID,
    "complete": True,
    "files": [{"name": "flange.stl", "bytes": 51084, "sha256": _SHA256}],
    "cads": ["flange.stl"],
    "ignored": [],
    "bytes": 51084,
    "created_at": 1767225600.0,
    "expires_at": 1767312000.0,
}


class UploadedFileAnswer(BaseModel):
    """A file of an upload."""

    name: str = Field(description="In NFC, with `/` between folders.")
    bytes: int
    sha256: str


class UploadAnswer(BaseModel):
    """Files that the server keeps for a while."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    upload_id: str = Field(description="For `upload_id` of a render request or an inspection.")
    complete: bool = Field(True, description="Whether all of it is there; with false, `bytes` have come so far, and no file is told yet.")
    files: list[UploadedFileAnswer] = Field(description="That are kept.")
    cads: list[str] = Field(description="Names of those that are CADs; `cad` of a request says which of several.")
    ignored: list[str] = Field(description="Names of files that no CAD's reader reads; they are not kept.")
    bytes: int = Field(description="Of all files that are kept.")
    created_at: float = Field(description="Unix seconds.")
    expires_at: float = Field(
        description="Unix seconds. Each use moves it; while a job needs the files, they stay. When the server has no room left, those "
        "that nobody has used for an hour go earlier."
    )


def upload_answer(service: RenderService, upload: Upload | Partial) -> UploadAnswer:
    """An upload as clients see it."""
    if isinstance(upload, Partial):
        return UploadAnswer(
            upload_id=upload.upload_id,
            complete=False,
            files=[],
            cads=[],
            ignored=[],
            bytes=upload.offset,
            created_at=round(upload.created_at, 3),
            expires_at=round(service.resumable.expires_at(upload), 3),
        )
    return UploadAnswer(
        upload_id=upload.upload_id,
        files=[UploadedFileAnswer(name=file.name, bytes=file.bytes, sha256=file.sha256) for file in upload.files],
        cads=list(upload.cads),
        ignored=list(upload.ignored),
        bytes=upload.bytes,
        created_at=round(upload.created_at, 3),
        expires_at=round(service.uploads.expires_at(upload), 3),
    )


_PIECE_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {tus.PIECE: {"schema": {"type": "string", "format": "binary"}}}},
    "parameters": [
        {"name": "Tus-Resumable", "in": "header", "required": True, "schema": {"const": tus.VERSION}},
        {
            "name": "Upload-Offset",
            "in": "header",
            "required": True,
            "schema": {"type": "integer", "minimum": 0, "maximum": 10**tus.MAX_DIGITS - 1},
        },
        {
            "name": "Upload-Checksum",
            "in": "header",
            "schema": {"type": "string", "pattern": tus.CHECKSUM_PATTERN},
            "description": "`sha1` or `sha256`, and a Base64 digest.",
        },
    ],
}

_FORM = {"schema": {"type": "object", "required": ["file"], "properties": {"file": FILES_SCHEMA}}}
_FILES_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {"multipart/form-data": _FORM}}}


@router.post(
    "",
    status_code=201,
    response_model=UploadAnswer,
    responses=failures(408, 413, 415, 422, 429, 500, 503, 507),
    openapi_extra=_FILES_BODY,
    operation_id="upload_files",
)
async def upload_files(request: Request, response: Response, service: Service) -> UploadAnswer | Response:
    """Upload a CAD, with its materials and textures, or one zip archive of them.

    The answer's `upload_id` stands in place of `cad_path` in render requests and inspections. With `Tus-Resumable: 1.0.0` it begins an
    upload of one file that comes in pieces, as tus 1.0 has it.
    """
    service.check_not_draining()
    path = f"{request.scope.get('root_path', '')}/api/v1/uploads"
    if tus.wants_tus(request):
        return await tus.create(request, service, path)
    content_type = request.headers.get("content-type")
    if not is_multipart(content_type):
        shown = "nothing" if content_type is None else repr(content_type[:80])
        raise ServiceError("content_type_unsupported", f"send the files as `Content-Type: multipart/form-data`; got {shown}")
    form = await receiver_of(request).form(request, with_fields=False)
    if form.upload is None:
        raise ServiceError("validation_error", "the body holds no file; send each file as a part named 'file'", "file")
    response.headers["Location"] = f"{path}/{form.upload.upload_id}"
    return upload_answer(service, form.upload)


@router.options("", include_in_schema=False)
async def tell_tus(service: Service) -> Response:
    """What of tus is spoken here."""
    return Response(status_code=204, headers=tus.capabilities(service, "OPTIONS, POST"))


@router.options("/{upload_id}", include_in_schema=False)
async def tell_tus_of_one(service: Service) -> Response:
    """The same of one upload."""
    return Response(status_code=204, headers=tus.capabilities(service, "DELETE, GET, HEAD, OPTIONS, PATCH"))


@router.get("/{upload_id}", responses=failures(404, 410, 422), operation_id="get_upload")
async def get_upload(upload_id: UploadId, response: Response, service: Service) -> UploadAnswer:
    """One upload: its files, and how long it is kept. The headers tell how far it is, as tus has them; so does `HEAD`."""
    found = service.resumable.find(upload_id)
    response.headers.update(tus.progress_headers(service, found))
    return upload_answer(service, found)


@router.patch(
    "/{upload_id}",
    status_code=204,
    responses={**failures(404, 408, 409, 410, 413, 415, 422, 429, 500, 503, 507), **tus.TUS_FAILURES},
    openapi_extra=_PIECE_BODY,
    operation_id="append_to_upload",
)
async def append_to_upload(upload_id: UploadId, request: Request, service: Service) -> Response:
    """The next piece of an upload that was begun with `Tus-Resumable`; with the last one it is whole, and is checked and unpacked."""
    piece = tus.piece_of(request)
    with receiver_of(request).place(request, piece.declared_bytes):
        return await tus.append(request, service, upload_id, piece)


@router.delete("/{upload_id}", status_code=204, responses=failures(404, 409, 410, 422), operation_id="delete_upload")
async def delete_upload(upload_id: UploadId, response: Response, service: Service) -> None:
    """Remove an upload before its time, whole or not. Results of its jobs stay."""
    response.headers["Tus-Resumable"] = tus.VERSION
    await service.resumable.remove(upload_id)
