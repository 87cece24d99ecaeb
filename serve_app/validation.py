"""Turns pydantic's findings into the server's one form of error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from serve_app.errors import ServiceError
from serve_app.requests import RenderRequest

_PLACES = ("body", "query", "path", "header")


def validation_error(findings: Sequence[Any]) -> ServiceError:
    """An error that names the first field that is wrong, its value and the remedy, and counts the others.

    Args:
        findings: ``ValidationError.errors()`` or ``RequestValidationError.errors()``.
    """
    first = findings[0]
    location = [str(part) for part in first["loc"] if part not in _PLACES]
    # Of a body that is no JSON, the location is a character's position.
    field = None if first["type"] == "json_invalid" else ".".join(location) or None
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return ServiceError("validation_error", _sentence(first, field) + more, field)


def _sentence(finding: Any, field: str | None) -> str:
    kind, value = finding["type"], finding.get("input")
    shown = repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "..."
    if kind == "extra_forbidden":
        return f"unknown field {field!r}; known fields are {', '.join(RenderRequest.model_fields)}"
    if kind == "missing":
        return f"{field or 'the request body'} is required"
    if kind == "json_invalid":
        return f"the request body is not JSON: {finding.get('ctx', {}).get('error', finding['msg'])}"
    message = finding["msg"].removeprefix("Value error, ")
    return f"{message}; got {shown}" if field is None else f"{field}: {message}; got {shown}"
