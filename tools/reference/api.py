"""The page of endpoints, from the OpenAPI document."""

from __future__ import annotations

from typing import Any

from serve_app.base.settings import Settings
from serve_app.http.routes import build_api
from tools.reference.markdown import cell, page, table

_INTRO = """
All endpoints, as the server's own `/docs` and `/openapi.json` describe them; there you can also try them. Every error, everywhere, is
`{"detail": ..., "code": ..., "field": ...}`: [Errors](errors.md) has each code. `HEAD` is answered wherever `GET` is.
"""


def api() -> str:
    """``reference/api.md``."""
    document = build_api(_none, Settings(api_key=None, api_key_file=None)).openapi()
    paths: dict[str, dict[str, Any]] = document["paths"]
    by_tag: dict[str, list[str]] = {}
    for path, operations in paths.items():
        for method, operation in operations.items():
            if method in paths.get(_canonical(path), {}):
                continue  # Told there.
            others = [older for older, found in paths.items() if _canonical(older) == path and method in found]
            tag = (operation.get("tags") or ["other"])[0]
            by_tag.setdefault(tag, []).append(_operation(method, path, operation, others))
    return page("Endpoints", _INTRO, *(f"## {tag}\n\n" + "\n".join(parts) for tag, parts in by_tag.items()))


def _canonical(path: str) -> str:
    """Under which path the same is told; empty for a path that is canonical itself."""
    if path == "/render/templates":
        return "/api/v1/jobs"
    return f"/api/v1{path}" if path.startswith(("/jobs", "/cad/")) else ""


def _none() -> Any:
    raise RuntimeError("the document alone is made here, without a service")


def _operation(method: str, path: str, operation: dict[str, Any], others: list[str]) -> str:
    text = f"### `{method.upper()} {path}`\n\n{_told(operation)}\n"
    if others:
        text += f"\nAlso at {', '.join(f'`{other}`' for other in others)}.\n"
    if parameters := operation.get("parameters"):
        rows = [[f"`{each['name']}`", each["in"], cell(each.get("description", ""))] for each in parameters]
        text += "\n" + table(("parameter", "in", "meaning"), rows)
    good = [f"{status} ({answer['description'].rstrip('.')})" for status, answer in operation["responses"].items() if status < "4"]
    bad = [status for status in operation["responses"] if status >= "4"]
    text += f"\nAnswers {cell('; '.join(good)).replace('(Successful Response)', 'when it succeeds')}"
    return text + (f"; refuses with {', '.join(bad)}.\n" if bad else ".\n")


def _told(operation: dict[str, Any]) -> str:
    summary, description = operation.get("summary", "").rstrip("."), operation.get("description", "")
    return str(description) if not summary or description.startswith(summary) else f"{summary}. {description}".strip()
