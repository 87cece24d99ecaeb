"""What the OpenAPI document says of fields that exclude or need each other. A field that is null counts as left out."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def given(path: str) -> Schema:
    """Objects in which a field is given.

    Args:
        path: its name, or names joined by dots.
    """
    name, _, rest = path.partition(".")
    value: Schema = {"type": "object", **given(rest)} if rest else {"not": {"type": "null"}}
    return {"required": [name], "properties": {name: value}}


def not_both(*pairs: tuple[str, str]) -> Schema:
    """Objects in which no two fields of a pair are given together."""
    return {"allOf": [{"not": {"allOf": [given(one), given(other)]}} for one, other in pairs]}


def all_or_none(*names: str) -> Schema:
    """Objects in which either each or none of some fields is given."""
    whole = {"required": list(names), "properties": {name: {"not": {"type": "null"}} for name in names}}
    return {"anyOf": [whole, {"properties": {name: {"type": "null"} for name in names}}]}
