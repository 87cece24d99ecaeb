"""What a job has rendered: its views, each as soon as it is there, and all its files."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from serve_app.http.content import CHANGING, FINAL, bytes_answer, knows, not_modified, quoted, stream_answer
from serve_app.http.dependencies import JobId, Service
from serve_app.http.errors import failures
from serve_app.http.jobs import job_path
from serve_app.http.json_body import JsonRoute
from serve_app.http.view_answer import JobViews, job_views
from serve_app.service.contact_sheet import SheetForm, SheetKind
from serve_app.service.job_pictures import Content
from serve_app.service.view_pictures import PictureName

router = APIRouter(route_class=JsonRoute, tags=["results"])
"""Included twice, see ``serve_app.http.jobs.CANONICAL``."""

ViewIndex = Annotated[int, Path(ge=0, le=1_000_000, description="Index of the view's camera, from 0.")]

_IMAGE = {"type": "string", "format": "binary"}
_PARTS: dict[int | str, dict[str, Any]] = {
    206: {"description": "The range that was asked for."},
    304: {"description": "The client has it already."},
}


def _of(media_type: str, schema: Any = _IMAGE) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: {"schema": schema}}}}


@router.get(
    "/jobs/{job_id}/views",
    response_model=JobViews,
    responses={304: _PARTS[304], **failures(404, 410, 422)},
)
async def list_views(request: Request, job_id: JobId, service: Service) -> Response:
    """The views of a job: which are there, how they were rendered, and where their files are.

    They come while the job runs. A job whose cameras are not known yet, and one that has ended without files, has none.
    """
    views = await service.results.views(job_id)
    # Of hundreds of views, that is much text.
    data = await asyncio.to_thread(lambda: job_views(job_id, views, job_path(request, job_id)).model_dump_json().encode())
    etag = hashlib.sha256(data).hexdigest()[:32]
    if knows(request)(etag):
        return not_modified(etag, CHANGING)
    return Response(data, media_type="application/json", headers={"ETag": quoted(etag), "Cache-Control": CHANGING})


@router.get(
    "/jobs/{job_id}/views/{view}/{name}",
    response_class=Response,
    responses={
        200: {"content": {"image/png": {"schema": _IMAGE}, "application/octet-stream": {"schema": _IMAGE}}},
        **_PARTS,
        **failures(404, 409, 410, 416, 422, 429),
    },
)
async def get_view_file(request: Request, job_id: JobId, view: ViewIndex, name: PictureName, service: Service) -> Response:
    """A view as `rgb.png`, `mask.png`, `xyz.png` (coordinates as colours), `depth.png` (16 bits) or `xyz.npy`; as soon as it is rendered.

    `xyz.png` has x, y and z from one side of the CAD's bounding box to the other as red, green and blue. Times `depth_scale_mm` of
    `GET /api/v1/jobs/{job_id}/views`, a value of `depth.png` is the depth in mm.
    """
    content = await service.results.pictures.picture(job_id, view, name, knows(request))
    return _answer(request, content, "image/png" if name.endswith(".png") else "application/octet-stream")


@router.get(
    "/jobs/{job_id}/contact-sheet.png",
    response_class=Response,
    responses={**_of("image/png"), **_PARTS, **failures(404, 409, 410, 416, 422, 429)},
)
async def get_contact_sheet(
    request: Request,
    job_id: JobId,
    service: Service,
    kind: Annotated[SheetKind, Query(description="What is shown of each view.")] = "rgb",
    columns: Annotated[int, Query(ge=1, le=64, description="Views side by side.")] = 7,
    size: Annotated[int, Query(ge=8, le=512, description="Longer side of a view in pixels.")] = 128,
) -> Response:
    """All views of a job on one image, in order; those that are not there yet are grey."""
    content = await service.results.pictures.sheet(job_id, SheetForm(kind, columns, size), knows(request))
    return _answer(request, content, "image/png")


@router.get(
    "/jobs/{job_id}/manifest.json",
    response_class=Response,
    responses={**_of("application/json", {"type": "object"}), **_PARTS, **failures(404, 409, 410, 416, 422, 429)},
)
async def get_manifest_file(request: Request, job_id: JobId, service: Service) -> Response:
    """`manifest.json` of a job that has succeeded: what its files were made of, and what each holds."""
    content = await service.results.manifest_file(job_id, knows(request))
    return _answer(request, content, "application/json")


@router.get(
    "/jobs/{job_id}/templates.zip",
    response_class=Response,
    responses={**_of("application/zip"), **_PARTS, **failures(404, 409, 410, 416, 422, 429)},
)
async def get_archive(request: Request, job_id: JobId, service: Service) -> Response:
    """All files of a job that has succeeded as a zip file, laid out as below its `output_dir`.

    Nothing is compressed: images are already, and so a download that was interrupted goes on with a range.
    """
    archives = service.results.archives
    facts = await archives.facts(job_id)
    if knows(request)(facts.etag):
        return not_modified(facts.etag, CHANGING)
    chunks = partial(archives.chunks, job_id, facts.etag)
    return stream_answer(request, facts.length, chunks, facts.etag, "application/zip", CHANGING, f"{job_id}.zip")


def _answer(request: Request, content: Content, media_type: str) -> Response:
    cache = FINAL if content.final else CHANGING
    if content.data is None:
        return not_modified(content.etag, cache)
    return bytes_answer(request, content.data, content.etag, media_type, cache)
