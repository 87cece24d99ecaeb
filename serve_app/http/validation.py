"""Turns pydantic's findings into the server's one form of error."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel

from serve_app.base.errors import Finding, ServiceError

MAX_TOLD = 100
"""Findings of one request that are told. An object may have as many names."""

_MAX_IN_SENTENCE = 10
_MAX_SUGGESTED = 5
"""Names that are compared with the known ones: that costs more than all else, and a batch may have a thousand items with a hundred each."""

_MAX_SHOWN = 80
_BRIEFLY = reprlib.Repr()
"""Shows a value at a cost that does not grow with it: it may be megabytes, and the same one wrong in a thousand items."""
_BRIEFLY.maxlevel, _BRIEFLY.maxdict, _BRIEFLY.maxlist, _BRIEFLY.maxstring, _BRIEFLY.maxlong = 3, 4, 8, _MAX_SHOWN, _MAX_SHOWN


def validation_error(findings: Sequence[Any], model: type[BaseModel] | None, where: Sequence[str | int] = ()) -> ServiceError:
    """An error that tells each field that is wrong, its value and the remedy.

    It is about the first one that is not known, or else the first one: a name that is misspelt is also missing.

    Args:
        findings: ``ValidationError.errors()`` of the model.
        model: what was validated, whose fields a message lists; None where only parameters were.
        where: where in the request that stands, as ``("items", 3)``.
    """
    first = next(filter(_is_unknown, findings), findings[0])
    missing = [str(finding["loc"][-1]) for finding in findings if finding["type"] == "missing" and finding["loc"]]
    told: dict[Finding, None] = {}  # In order, and each once.
    for finding in (first, *(other for other in findings if other is not first)):
        if len(told) == MAX_TOLD:
            break
        field = ".".join(_short(str(part)) for part in [*where, *finding["loc"]]) or None
        known = _known(model, finding["loc"])
        sentence = _sentence(finding, field, known, missing, suggests=len(told) < _MAX_SUGGESTED)
        told[Finding(field, f"{sentence}; known fields are {', '.join(known)}" if not told and _is_unknown(finding) else sentence)] = None
    (field, detail), *others = told
    further = "; ".join(other.detail for other in others[:_MAX_IN_SENTENCE])
    left = f"; `errors` tells the other {len(others) - _MAX_IN_SENTENCE}" if len(others) > _MAX_IN_SENTENCE else ""
    return ServiceError(
        "validation_error", f"{detail}; also: {further}{left}" if others else detail, field, findings=list(told) if others else ()
    )


def _is_unknown(finding: Any) -> bool:
    return bool(finding["type"] == "extra_forbidden")


def _known(model: type[BaseModel] | None, location: Sequence[str | int]) -> list[str]:
    """The fields of a model, or of the one inside it that a finding is in."""
    for name in location[:-1]:
        inner = model.model_fields[str(name)].annotation if model and str(name) in model.model_fields else None
        found = [kind for kind in (inner, *get_args(inner)) if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not found:
            break
        model = found[0]
    return list(model.model_fields) if model else []


def _sentence(finding: Any, field: str | None, known: list[str], missing: list[str], *, suggests: bool) -> str:
    shown = _short(_BRIEFLY.repr(finding.get("input")))
    if _is_unknown(finding):
        name = str(finding["loc"][-1])
        return f"unknown field {field!r}" + (_suggestion(name, missing) or _suggestion(name, known) if suggests else "")
    if finding["type"] == "missing":
        return f"{field or 'the request body'} is required"
    message = finding["msg"].removeprefix("Value error, ")
    return f"{message}; got {shown}" if field is None else f"{field}: {message}; got {shown}"


def _suggestion(name: str, known: list[str]) -> str:
    """The known name that was meant, if it is near; a long name is near to none, and comparing it would take time."""
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.7) if len(name) <= _MAX_SHOWN else []
    return f" (did you mean {near[0]!r}?)" if near else ""


def _short(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."
