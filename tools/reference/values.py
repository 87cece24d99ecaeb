"""What a pydantic field takes, in words."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic import SecretStr
from pydantic.fields import FieldInfo

_NAMES: dict[Any, str] = {
    int: "integer",
    float: "number",
    str: "text",
    bool: "true or false",
    Path: "path",
    SecretStr: "secret text",
    Any: "any",
}


def kind_of(annotation: Any) -> str:
    """The type in words: ``integer``, ``path``, one of some values."""
    origin = get_origin(annotation)
    if annotation in _NAMES:
        return _NAMES[annotation]
    if origin is typing.Annotated:
        return kind_of(get_args(annotation)[0])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(kind_of(part) for part in get_args(annotation) if part is not type(None))
    if origin in (list, tuple):
        return f"list of {kind_of(get_args(annotation)[0])}"
    if origin is dict:
        return "object"
    return "object" if isinstance(annotation, type) else str(annotation)


def bounds_of(name: str, field: FieldInfo) -> str:
    """What the value is held in: ``1..4096``, ``above 0``; empty where it is not."""
    low = high = above = None
    for constraint in _constraints(field):
        if isinstance(constraint, annotated_types.Ge):
            low = constraint.ge
        elif isinstance(constraint, annotated_types.Le):
            high = constraint.le
        elif isinstance(constraint, annotated_types.Gt):
            above = constraint.gt
    if low is not None and high is not None:
        return f"{number(low, name)}..{number(high, name)}"
    if above is not None:
        return f"above {number(above, name)}"
    return f"at least {number(low, name)}" if low is not None else f"at most {number(high, name)}" if high is not None else ""


def _constraints(field: FieldInfo) -> list[Any]:
    found = list(field.metadata)
    for part in (field.annotation, *get_args(field.annotation)):
        for inner in getattr(part, "__metadata__", ()):
            found += inner.metadata if isinstance(inner, FieldInfo) else [inner]
    return found


def number(value: Any, name: str = "") -> str:
    """A number as a person writes it: of a name with ``bytes`` in MiB, thousands with commas."""
    if isinstance(value, float):
        return f"{value:g}"
    for size, unit in ((1024**3, "GiB"), (1024**2, "MiB")):
        if "bytes" in name and value >= size and value % size == 0:
            return f"{value // size} {unit}"
    return f"{value:,}" if isinstance(value, int) and value >= 100_000 else str(value)


def default_of(name: str, field: FieldInfo) -> str:
    """The default in words; empty where there is none, or where it is nothing."""
    value = field.default
    if field.is_required() or value is None:
        return ""
    if field.default_factory is not None:
        made = field.default_factory()  # type: ignore[call-arg]
        return "" if not made else "see there"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return number(value, name)
    return f"`{value}`"
