"""Reads XML of files that nobody vouches for: no document type, so no entity of theirs is ever expanded, and nothing is fetched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.parsers import expat

StartHandler = Callable[[str, dict[str, str]], None]
"""Called with a tag's name and its attributes, both without their namespaces."""

_SEPARATOR = " "
_MAX_NAMES = 10_000


def parse_xml(data: bytes, start: StartHandler, end: Callable[[str], None]) -> None:
    """Go through an XML text once; no tree is made of it.

    Args:
        data: the text; it says itself in which encoding it is.
        start: for each tag that opens.
        end: for each that closes.

    Raises:
        ValueError: it is no well-formed XML, or has a document type; with the line.
    """
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    names = dict[str, str]()

    def local(name: str) -> str:
        known = names.get(name)
        if known is None:
            known = name.rpartition(_SEPARATOR)[2]
            if len(names) < _MAX_NAMES:
                names[name] = known
        return known

    def on_start(name: str, attributes: dict[str, str]) -> None:
        for key in attributes:
            if _SEPARATOR in key:
                attributes = {local(key): value for key, value in attributes.items()}
                break
        start(local(name), attributes)

    def on_doctype(*_: Any) -> None:
        raise ValueError("it has a document type (<!DOCTYPE ...>), which is not read; save it anew without")

    parser.StartElementHandler, parser.EndElementHandler = on_start, lambda name: end(local(name))
    parser.StartDoctypeDeclHandler = on_doctype
    try:
        parser.Parse(data, True)
    except LookupError as error:
        raise ValueError("its XML is in an encoding that is not known; save it as UTF-8") from error
    except expat.ExpatError as error:
        raise ValueError(f"its XML is damaged at line {error.lineno}: {expat.ErrorString(error.code)}; save it anew") from error
