"""The page of the Python client, from its signatures and docstrings."""

from __future__ import annotations

import dataclasses
import inspect
import re
from types import FunctionType

import render_server_client
from tools.reference.markdown import page

_INTRO = """
`render_server_client` is a package of its own: it needs neither Ray nor Blender. Every name here is imported from it. `AsyncClient` has
the calls of `Client`, to be awaited. [The Python client](../client.md) says how to work with it.
"""

_SECTION = re.compile(r"^(Args|Returns|Raises|Attributes|Yields):$")
_ITEM = re.compile(r"^(?P<name>[*\w.`, ]+): (?P<text>.*)$")


def client() -> str:
    """``reference/client.md``."""
    parts = [_class(name) for name in render_server_client.__all__ if not name.endswith("Error") and name != "AsyncClient"]
    errors = [_error(name) for name in render_server_client.__all__ if name.endswith("Error")]
    return page("Python client", _INTRO, *parts, "## Errors\n\n" + "\n".join(errors))


def _class(name: str) -> str:
    found = getattr(render_server_client, name)
    text = f"## `{name}`\n\n{_prose(inspect.getdoc(found))}\n"
    fields = {field.name for field in dataclasses.fields(found)} if dataclasses.is_dataclass(found) else set()
    for member, value in vars(found).items():
        if member.startswith("_") or member in fields:
            continue
        if isinstance(value, classmethod):
            value = value.__func__
        if isinstance(value, property):
            text += f"\n### `{name}.{member}`\n\n{_prose(inspect.getdoc(value))}\n"
        elif isinstance(value, FunctionType):
            text += f"\n### `{name}.{member}`\n\n```py\n{_signature(member, value)}\n```\n\n{_prose(inspect.getdoc(value))}\n"
    return text


def _error(name: str) -> str:
    found = getattr(render_server_client, name)
    return f"- `{name}`: {' '.join((inspect.getdoc(found) or '').split(chr(10) + chr(10))[0].split())}"


def _signature(name: str, function: FunctionType) -> str:
    parameters = [each for each in inspect.signature(function).parameters.values() if each.name not in ("self", "cls")]
    told, keyword_only = [], False
    for each in parameters:
        if each.kind is each.KEYWORD_ONLY and not keyword_only:
            told.append("*")
            keyword_only = True
        default = "" if each.default is each.empty else f" = {each.default!r}"
        stars = "*" if each.kind is each.VAR_POSITIONAL else "**" if each.kind is each.VAR_KEYWORD else ""
        told.append(f"{stars}{each.name}: {each.annotation}{default}")
    returned = inspect.signature(function).return_annotation
    line = f"{name}({', '.join(told)}) -> {returned}"
    return line if len(line) <= 100 else f"{name}(\n    " + ",\n    ".join(told) + f",\n) -> {returned}"


def _prose(text: str | None) -> str:
    """A docstring as Markdown: its sections as lists."""
    lines: list[str] = []
    in_section = False
    for line in (text or "").replace("``", "`").splitlines():
        bare = line.strip()
        if _SECTION.match(line):
            lines += ["", bare, ""]
            in_section = True
        elif in_section and line.startswith("    ") and not line.startswith("     ") and (item := _ITEM.match(bare)):
            lines.append(f"- `{item['name'].strip('`')}`: {item['text']}")
        elif in_section and line.startswith("    "):
            lines.append(f"  {bare}" if lines and lines[-1].startswith(("-", "  ")) else f"- {bare}")
        else:
            in_section = in_section and not bare
            lines.append(bare)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


__all__ = ["client"]
