"""The options of a render request as flags of a command."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection
from typing import Any, get_args, get_origin

from serve_app.jobs.request import RenderOptions


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"it must be JSON, such as '{{\"distance_mm\": 600}}': {error}") from error


_PARSERS: dict[str, Any] = {"level": int, "camera": _json}
"""Of the flags whose text is neither a plain number nor itself; ``camera`` takes JSON."""


def add_option_flags(parser: argparse.ArgumentParser, without: Collection[str] = ()) -> None:
    """A flag for each option of a render request but some, so that the two never drift apart."""
    for name, field in RenderOptions.model_fields.items():
        if name in without:
            continue
        flag = "--" + name.replace("_", "-")
        help_text = (field.description or "").replace("%", "%%")
        if isinstance(field.default, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=help_text)
        elif any(get_origin(kind) is list for kind in (field.annotation, *get_args(field.annotation))):
            parser.add_argument(flag, action="append", default=None, help=f"{help_text} Once for each.")
        else:
            kinds = {kind for kind in (field.annotation, *get_args(field.annotation)) if kind in (int, float)}
            parse = _PARSERS.get(name) or next(iter(kinds), str)
            parser.add_argument(flag, type=parse, default=None, help=help_text)


def chosen_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that were given."""
    values = {name: getattr(arguments, name, None) for name in RenderOptions.model_fields}
    return {name: value for name, value in values.items() if value is not None}
