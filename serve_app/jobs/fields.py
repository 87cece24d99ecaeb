"""Kinds of value that several request bodies have."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

PATH_PATTERN = "^[^\\x00]*[^\\x00-\\x20][^\\x00]*$"
"""What text can be a path: it has no NUL, and something beside blanks."""

# `PathPolicy` checks the pattern, and says in words what is wrong; here it stands for readers of the OpenAPI document.
PathText = Annotated[str, Field(min_length=1, max_length=4096, json_schema_extra={"pattern": PATH_PATTERN})]


def number(value: Any) -> Any:
    """Refuses what pydantic would take for a number: "64" and true."""
    if isinstance(value, bool | str):
        raise ValueError("Input should be a number")
    return value


NUMBER = BeforeValidator(number)
