"""An example of each failure, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from serve_app.http.errors import STATUS

_JOB = "0d0c4b8e-7f0c-4f3c-9d39-0a2b8f6f5a11"
_UPLOAD = "0123456789abcdef0123456789abcdef"


class ErrorExample(NamedTuple):
    """What a client may be told, and by which operations.

    Attributes:
        detail: the sentence.
        field: the request's field, if there is one.
        told_by: see ``_TOLD_BY``.
    """

    detail: str
    field: str | None
    told_by: str


ERROR_EXAMPLES: Mapping[str, ErrorExample] = {
    # The request itself.
    "validation_error": ErrorExample("resolution: Input should be less than or equal to 2048; got 4096", "resolution", "all"),
    "unauthorized": ErrorExample(
        "this server wants its API key: send it as `Authorization: Bearer KEY` or as `X-API-Key: KEY`; the operator has it", None, "all"
    ),
    "headers_too_large": ErrorExample("the request has 120 headers, more than 100; send fewer", None, "all"),
    "body_too_large": ErrorExample(
        "the request body is larger than 4194304 bytes (RENDER_MAX_BODY_BYTES); send several smaller requests", None, "body"
    ),
    "body_too_slow": ErrorExample("512 bytes of the request body came within 30 s, and no end; send it in one piece", None, "body"),
    "content_type_unsupported": ErrorExample("send the body as `Content-Type: application/json`; got 'text/plain'", None, "body"),
    "path_outside_roots": ErrorExample(
        "cad_path '/etc/part.stl' lies in none of the folders that this server may read (RENDER_INPUT_ROOTS)", "cad_path", "cad"
    ),
    "output_reserved": ErrorExample("output_dir 'data' is a folder of the server itself; use another output_dir", "output_dir", "render"),
    "not_found": ErrorExample("there is no depth.png of this job's views: layout cnos keeps only rgba", "name", "files"),
    "method_not_allowed": ErrorExample("PATCH is not offered at /api/v1/jobs; /docs lists what is", None, "none"),
    "job_not_found": ErrorExample("job not found", "job_id", "job"),
    "poses_invalid": ErrorExample("'poses.npy' is not an .npy file of N x 4 x 4 camera poses", "camera_poses_path", "render"),
    "range_not_satisfiable": ErrorExample(
        "the file has 67778100 bytes, and none of them lies in the range that was asked for", None, "results"
    ),
    # What a job has rendered.
    "view_not_ready": ErrorExample(f"view 41 of job '{_JOB}' is not rendered yet; ask again in a moment", "job_id", "pictures"),
    "job_not_finished": ErrorExample(
        f"job '{_JOB}' is running: its files are there when it has succeeded; each view is as soon as it is rendered", "job_id", "files"
    ),
    "no_results": ErrorExample(f"job '{_JOB}' is failed and has no files: the object is not in view 3", "job_id", "results"),
    "results_gone": ErrorExample(
        f"the files of job '{_JOB}' are not there any more, or are another job's; send the request again", "job_id", "results"
    ),
    # The CAD.
    "cad_not_found": ErrorExample(
        "CAD file not found or invalid format: no file at 'part.stl'; check cad_path, as the server sees it", "cad_path", "cad"
    ),
    "cad_not_a_file": ErrorExample("CAD file not found or invalid format: 'parts' is a folder; name the file itself", "cad_path", "cad"),
    "cad_unreadable": ErrorExample("'part.stl' cannot be read: its permissions do not let the server", "cad_path", "cad"),
    "cad_format_unsupported": ErrorExample("'part.sldprt' has a format that is not read; export it as STEP", "cad_path", "cad"),
    "cad_invalid": ErrorExample("the .stl file is cut off: it tells of 1200 triangles and has 800", "cad_path", "read"),
    "cad_part_unknown": ErrorExample("the CAD has no part 'bolt'; its parts are body, lid", "parts", "read"),
    "cad_too_large": ErrorExample("the CAD has 7000000 triangles, more than 5000000 (RENDER_MAX_FACES); simplify it", "cad_path", "read"),
    # Uploads.
    "upload_not_found": ErrorExample(f"there is no upload '{_UPLOAD}'; upload the files again", "upload_id", "uploaded"),
    "upload_expired": ErrorExample(f"upload '{_UPLOAD}' is not kept any more; upload the files again", "upload_id", "upload"),
    "upload_invalid": ErrorExample("'part.zip' holds a link, 'a.stl'; put the file itself into it", "file", "sent"),
    "upload_too_large": ErrorExample("the upload is larger than the server takes; send fewer files", "file", "sent"),
    "upload_in_use": ErrorExample(f"upload '{_UPLOAD}' is needed by a job that has not ended; cancel it first", "upload_id", "upload"),
    "upload_incomplete": ErrorExample(f"the upload '{_UPLOAD}' is not whole yet; send the rest of it first", "upload_id", "used"),
    "upload_offset_conflict": ErrorExample(
        "the upload has 1048576 bytes; send on from there, as `HEAD` tells it", "Upload-Offset", "upload"
    ),
    "upload_checksum_mismatch": ErrorExample(
        "the part does not have the checksum that it is sent with; send it again", "Upload-Checksum", "upload"
    ),
    "tus_version_unsupported": ErrorExample("send `Tus-Resumable: 1.0.0`; got '0.2.2'", "Tus-Resumable", "upload"),
    # The output folder.
    "output_not_writable": ErrorExample("'output/part' cannot be written: Permission denied", "output_dir", "render"),
    "output_not_replaceable": ErrorExample(
        "'output/part' holds files that are not templates and would be lost (notes.txt); move them, or use another output_dir",
        "output_dir",
        "render",
    ),
    # The views.
    "view_blank": ErrorExample("the object is not in view 3; its origin is far away: pass recenter=true", "recenter", "waits"),
    "view_clipped": ErrorExample("the object reaches over the border of view 3; pass recenter=true", "recenter", "waits"),
    "camera_inside_object": ErrorExample("the camera of view 0 is inside the object; pass normalize=true", "normalize", "waits"),
    "view_too_slow": ErrorExample("view 7 took 60 times as long as such a view takes; simplify the CAD", "cad_path", "waits"),
    # What else is going on.
    "callback_refused": ErrorExample(
        "callback_url names 'example.com', and RENDER_WEBHOOK_HOSTS does not; ask the operator to add the host", "callback_url", "render"
    ),
    "output_busy": ErrorExample(
        f"output_dir 'output/part' is being written by job {_JOB}, which renders something else; wait for it, cancel it, or use another "
        "output_dir",
        "output_dir",
        "render",
    ),
    "idempotency_conflict": ErrorExample(
        f"job {_JOB} was begun under this key or id with another request; use a new one for another request", None, "render"
    ),
    "canceled": ErrorExample("the job was canceled; send the request again to render it after all", None, "waits"),
    "cad_quarantined": ErrorExample("this CAD killed two renderers; it is refused for another 3200 s", "cad_path", "read"),
    "queue_full": ErrorExample("the queue is full: 2000 jobs wait (RENDER_MAX_QUEUED_JOBS is 2000); try again in 5 s", None, "render"),
    "too_many_waiting": ErrorExample("130 requests wait already; try again in 2 s", None, "all"),
    "queue_timeout": ErrorExample("the job waited 86400 s for a slot (RENDER_QUEUE_TIMEOUT_SEC); send it again", None, "waits"),
    "job_timeout": ErrorExample("the job ran for 7200 s with 40 of 42 views done (RENDER_JOB_TIMEOUT_SEC)", None, "waits"),
    "storage_full": ErrorExample(
        "output_dir 'output/part' has 700 MiB free and 1124 MiB are needed; make room, or have the operator change RENDER_MIN_FREE_BYTES",
        "output_dir",
        "body",
    ),
    "store_unavailable": ErrorExample(
        "the job store cannot be used at the moment (disk I/O error); the operator must see to RENDER_DATA_DIR", None, "all"
    ),
    "draining": ErrorExample("the server is stopping and takes no new jobs; send the request again in a moment", None, "all"),
    "not_ready": ErrorExample("no renderer is ready to render; ask again in a moment", None, "none"),
    # The renderers.
    "renderer_start_failed": ErrorExample("no renderer could be started; GET /api/v1/status says why", None, "waits"),
    "renderer_lost": ErrorExample("a renderer was lost three times on view 7; send the request again", None, "waits"),
    "out_of_memory": ErrorExample("the GPU has too little memory for this CAD; simplify it", "cad_path", "waits"),
    "render_failed": ErrorExample("a renderer gave files of view 7 that are not a template; send the request again", None, "waits"),
    "server_restarted": ErrorExample("the server ended three times while it began this job; send it again", None, "waits"),
    "internal_error": ErrorExample("the server has a fault; its log says more", None, "all"),
}
"""One for every code."""


def _tag(operation: Mapping[str, Any]) -> str:
    return str(operation["tags"][0])


def _renders(operation: Mapping[str, Any]) -> bool:
    return _tag(operation) in ("jobs", "v1") and "requestBody" in operation and "cancel" not in operation["operationId"]


_TOLD_BY: Mapping[str, Callable[[str, Mapping[str, Any]], bool]] = {
    "all": lambda path, operation: True,
    "none": lambda path, operation: False,
    "body": lambda path, operation: "requestBody" in operation,
    "job": lambda path, operation: "/jobs" in path,
    "results": lambda path, operation: _tag(operation) == "results",
    "pictures": lambda path, operation: _tag(operation) == "results" and ("{view}" in path or "sheet" in path),
    "files": lambda path, operation: _tag(operation) == "results" and not path.endswith("/views"),
    "render": lambda path, operation: _renders(operation),
    "waits": lambda path, operation: _tag(operation) == "v1",
    "cad": lambda path, operation: _renders(operation) or _tag(operation) == "cad",
    "read": lambda path, operation: _tag(operation) in ("cad", "v1"),
    "upload": lambda path, operation: _tag(operation) == "uploads",
    "used": lambda path, operation: _tag(operation) == "cad" or _renders(operation),
    "uploaded": lambda path, operation: _tag(operation) in ("uploads", "cad") or _renders(operation),
    "sent": lambda path, operation: "requestBody" in operation,
}
"""Whether an operation can tell a failure, by its path and what the document says of it."""


def examples_of(status: int, path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    """Examples of what an operation answers with a status, by code.

    Args:
        status: of HTTP.
        path: of the operation.
        operation: as in the document.
    """
    codes = [code for code in ERROR_EXAMPLES if STATUS[code] == status]
    told = [code for code in codes if _TOLD_BY[ERROR_EXAMPLES[code].told_by](path, operation)] or codes
    bodies = {code: {"detail": ERROR_EXAMPLES[code].detail, "code": code, "field": ERROR_EXAMPLES[code].field} for code in told}
    return {code: {"summary": code.replace("_", " "), "value": body} for code, body in bodies.items()}
