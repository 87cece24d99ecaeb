"""Turns pydantic's findings into the server's one form of error."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

from serve_app.base.errors import ServiceError
from serve_app.jobs.request import RenderRequest

_PLACES = ("body", "query", "path", "header")

_MOST_SHOWN = 80
_BRIEFLY = reprlib.Repr()
"""Shows a value at a cost that does not grow with it: it may be megabytes, and the same one wrong in a thousand items."""
_BRIEFLY.maxlevel, _BRIEFLY.maxdict, _BRIEFLY.maxlist, _BRIEFLY.maxstring, _BRIEFLY.maxlong = 3, 4, 8, _MOST_SHOWN, _MOST_SHOWN


def validation_error(findings: Sequence[Any]) -> ServiceError:
    """An error that names the first field that is wrong, its value and the remedy, and counts the others.

    Args:
        findings: ``ValidationError.errors()`` or ``RequestValidationError.errors()``.
    """
    first = findings[0]
    location = [_short(str(part)) for part in first["loc"] if part not in _PLACES]
    # Of a body that is no JSON, the location is a character's position.
    field = None if first["type"] == "json_invalid" else ".".join(location) or None
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return ServiceError("validation_error", _sentence(first, field) + more, field)


def _sentence(finding: Any, field: str | None) -> str:
    kind, shown = finding["type"], _short(_BRIEFLY.repr(finding.get("input")))
    if kind == "extra_forbidden":
        return f"unknown field {field!r}; known fields are {', '.join(RenderRequest.model_fields)}"
    if kind == "missing":
        return f"{field or 'the request body'} is required"
    if kind == "json_invalid":
        return f"the request body is not JSON: {finding.get('ctx', {}).get('error', finding['msg'])}"
    message = finding["msg"].removeprefix("Value error, ")
    return f"{message}; got {shown}" if field is None else f"{field}: {message}; got {shown}"


def _short(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 3] + "..."
