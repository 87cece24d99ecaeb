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
    by_tag: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["other"])[0]
            by_tag.setdefault(tag, []).append(_operation(method, path, operation))
    return page("Endpoints", _INTRO, *(f"## {tag}\n\n" + "\n".join(parts) for tag, parts in by_tag.items()))


def _none() -> Any:
    raise RuntimeError("the document alone is made here, without a service")


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    text = f"### `{method.upper()} {path}`\n\n{_told(operation)}\n"
    if parameters := operation.get("parameters"):
        rows = [[f"`{each['name']}`", each["in"], cell(each.get("description", ""))] for each in parameters]
        text += "\n" + table(("parameter", "in", "meaning"), rows)
    answers = [f"{status} ({cell(answer['description'])})" for status, answer in operation["responses"].items()]
    return text + f"\nAnswers: {'; '.join(answers)}\n"


def _told(operation: dict[str, Any]) -> str:
    summary, description = operation.get("summary", ""), operation.get("description", "")
    return (
        str(description) if description.startswith(summary.rstrip(".")) or not summary else f"{summary.rstrip('.')}. {description}".strip()
    )
