"""Kubernetes' structural schemas as JSON schemas that know no other keys."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, with every key refused that it does not name: Kubernetes would drop it without a word."""
    made = {key: value for key, value in schema.items() if not key.startswith("x-") and key != "format"}
    if schema.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    if "properties" in schema:
        made["properties"] = {name: strict(inner) for name, inner in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            made[key] = strict(schema[key])
    return made


def complaints(schema: dict[str, Any], document: object) -> list[str]:
    """What is wrong with a document, each with its place; empty for nothing."""
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in Draft202012Validator(schema).iter_errors(document)]
