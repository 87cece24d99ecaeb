"""What the OpenAPI document says beside what the routes declare: names, tags, an example of each failure."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from serve_app.http.error_examples import examples_of

TAGS = [
    {"name": "jobs", "description": "Render CADs as jobs, and follow, list and cancel them."},
    {"name": "results", "description": "Look at a job's views while they come, and fetch its files."},
    {"name": "events", "description": "Hear of jobs as server-sent events."},
    {"name": "uploads", "description": "Send CADs that do not lie on the server's disk."},
    {"name": "cad", "description": "Look at a CAD without rendering it."},
    {"name": "v1", "description": "Render and wait, as clients of the older server do."},
    {"name": "server", "description": "Whether the server is there and ready, and what it does."},
]

SUMMARIES = {
    "health": "Tell whether the server answers",
    "ready": "Tell whether to send requests here",
    "status": "Show the server, its renderers and its machine",
    "create_job": "Begin a job",
    "render_templates": "Begin a job (older path)",
    "put_job": "Begin a job with an id of your own",
    "get_job": "Show a job and its progress",
    "list_jobs": "List jobs, newest first",
    "cancel_job": "Cancel a job",
    "cancel_jobs": "Cancel several jobs",
    "get_job_log": "Read a job's log",
    "get_job_manifest": "Fetch a job's manifest",
    "list_views": "List a job's views",
    "get_view_file": "Fetch an image or the coordinates of a view",
    "get_contact_sheet": "Fetch all views on one image",
    "get_manifest_file": "Fetch a job's manifest as a file",
    "get_archive": "Download all files of a job",
    "create_download_ticket": "Let a browser download without the key",
    "all_events": "Hear of all jobs",
    "job_events": "Hear of one job",
    "upload_files": "Upload a CAD and the files that belong to it",
    "get_upload": "Show an upload",
    "append_to_upload": "Send the next part of an upload (tus)",
    "delete_upload": "Remove an upload",
    "inspect_cad": "Inspect a CAD",
    "preview_cad": "Fetch a CAD's mesh as GLB",
    "render_templates_v1": "Render a CAD and wait",
    "render_templates_batch": "Render several CADs and wait",
}
"""One line for each operation, by its id; ``_older`` left away."""

OLDER = "_older"
"""What the id of an operation ends in whose path is an older one."""

_OLDER_PATHS = ("/jobs", "/cad/")
_PUBLIC = ("/health", "/ready")
_HEADERS_TOO_LARGE = "The request line and headers are too many or too large."


def operation_id(route: APIRoute) -> str:
    """Id of an operation: the name of its route."""
    return f"{route.name}{OLDER}" if route.path.startswith(_OLDER_PATHS) else route.name


def complete_document(app: FastAPI) -> None:
    """Have an application's document completed when it is first asked for."""
    declared = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = declared()
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    _complete(path, operation)
            _plain(document["components"]["schemas"])
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(path: str, operation: dict[str, Any]) -> None:
    name = operation["operationId"].removesuffix(OLDER)
    operation["summary"] = SUMMARIES.get(name, operation["summary"])
    if path in _PUBLIC:
        operation["security"] = []
    responses = operation["responses"]
    error = {"schema": {"$ref": "#/components/schemas/ErrorBody"}}
    responses["431"] = {"description": _HEADERS_TOO_LARGE, "content": {"application/json": error}}
    for status, response in responses.items():
        content = response.get("content", {}).get("application/json")
        if int(status) >= 400 and content is not None and "example" not in content:
            response["content"]["application/json"] = {**content, "examples": examples_of(int(status), path, operation)}


def _plain(part: Any) -> None:
    """Write conditions that stand alone without a list around them."""
    if isinstance(part, list):
        for inner in part:
            _plain(inner)
    elif isinstance(part, dict):
        for inner in part.values():
            _plain(inner)
        alone = part["allOf"][0] if isinstance(part.get("allOf"), list) and len(part["allOf"]) == 1 else None
        if alone is not None and not part.keys() & alone.keys() - {"allOf"}:
            del part["allOf"]
            part.update(alone)
