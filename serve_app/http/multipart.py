"""Takes a ``multipart/form-data`` body apart while it arrives; nothing of it is kept."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from email.message import Message
from urllib.parse import unquote

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from serve_app.base.errors import ServiceError

logging.getLogger("python_multipart").setLevel(logging.CRITICAL + 1)  # What a client sends wrong is told to it, not to the operator.

MAX_HEADER_BYTES = 8192
"""Of one part."""

MAX_PARTS = 20_000
"""Files, form fields, and what is neither."""


@dataclass(frozen=True)
class PartBegins:
    """A part begins.

    Attributes:
        field: its name.
        file_name: of the file that it is; None for a form field.
    """

    field: str
    file_name: str | None


@dataclass(frozen=True)
class PartData:
    """A piece of the part that has begun."""

    data: bytes


@dataclass(frozen=True)
class PartEnds:
    """The part is whole."""


PartEvent = PartBegins | PartData | PartEnds


def is_multipart(content_type: str | None) -> bool:
    """Whether a body says that it is ``multipart/form-data``."""
    return content_type is not None and content_type.split(";")[0].strip().lower() == "multipart/form-data"


async def parts_of(content_type: str, chunks: AsyncIterable[bytes]) -> AsyncIterator[PartEvent]:
    """The parts of a body, piece by piece.

    Args:
        content_type: of the request.
        chunks: of its body.

    Raises:
        ServiceError: ``validation_error``; the body is no such, or ends in the middle.
    """
    parser = _Parser(_boundary(content_type))
    async for chunk in chunks:
        for event in parser.feed(chunk):
            yield event
    parser.end()


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_param("boundary")
    if not isinstance(boundary, str) or not 1 <= len(boundary) <= 200:
        raise _broken("its Content-Type names no boundary")
    return boundary.encode("utf-8", "replace")


class _Parser:
    """Collects what the parser calls back with."""

    def __init__(self, boundary: bytes) -> None:
        self._events: list[PartEvent] = []
        self._headers: dict[str, str] = {}
        self._name, self._value, self._header_bytes, self._parts, self._ended = b"", b"", 0, 0, False
        callbacks = {
            "on_part_begin": self._on_part_begin,
            "on_part_data": self._on_part_data,
            "on_part_end": lambda: self._events.append(PartEnds()),
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_end": self._on_end,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        except MultipartParseError as error:
            raise _broken(str(error)) from error

    def feed(self, chunk: bytes) -> list[PartEvent]:
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            detail = f"it does not keep to its boundary, with CR LF at the end of each line ({error}); have a library for HTTP make it"
            raise _broken(detail) from error
        events, self._events = self._events, []
        return events

    def end(self) -> None:
        if not self._ended:
            raise _broken("it ends in the middle of a part; send it again")

    def _on_part_begin(self) -> None:
        self._headers, self._header_bytes = {}, 0
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise _broken(f"it has more than {MAX_PARTS} parts")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(PartData(data[start:end]))

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._count(end - start)

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._count(end - start)

    def _count(self, count: int) -> None:
        self._header_bytes += count
        if self._header_bytes > MAX_HEADER_BYTES:
            raise _broken(f"a part has more than {MAX_HEADER_BYTES} bytes of headers")

    def _on_header_end(self) -> None:
        try:
            self._headers[self._name.decode("ascii").lower()] = self._value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _broken("a header of a part is not UTF-8; send names of files as UTF-8") from error
        self._name = self._value = b""

    def _on_headers_finished(self) -> None:
        try:
            disposition, options = _disposition(self._headers.get("content-disposition", ""))
        except UnicodeDecodeError as error:
            raise _broken("a file's name is not UTF-8") from error
        field = options.get("name")
        if disposition != "form-data" or field is None:
            raise _broken("a part has no `Content-Disposition: form-data` with a name")
        if self._headers.get("content-transfer-encoding", "binary").lower() not in ("binary", "8bit", "7bit"):
            raise _broken("a part has a Content-Transfer-Encoding; send it as it is")
        self._events.append(PartBegins(field, options.get("filename")))

    def _on_end(self) -> None:
        self._ended = True


def _disposition(value: str) -> tuple[str, dict[str, str]]:
    """What a part says it is, and its parameters; a name that quotes a quote has a backslash before it, or ``%22`` as browsers send it."""
    kind, _, rest = value.partition(";")
    options: dict[str, str] = {}
    while rest.strip():
        name, _, rest = rest.partition("=")
        name, rest = name.strip(" ;").lower(), rest.lstrip()
        if rest.startswith('"'):
            text, rest = _quoted(rest[1:])
        else:
            text, _, rest = rest.partition(";")
            text = text.strip()
        if name in options:
            raise _broken(f"a part says its {name[:40]!r} twice")
        options[name] = text
    if "filename*" in options:  # As older libraries send what is not ASCII.
        charset, _, text = options["filename*"].partition("'")
        if charset.lower() != "utf-8":
            raise _broken("a part's `filename*` is not UTF-8")
        options["filename"] = unquote(text.partition("'")[2], errors="strict")
    return kind.strip().lower(), options


def _quoted(text: str) -> tuple[str, str]:
    """Text up to the quote that ends it, and what is behind."""
    found, at = [], 0
    while at < len(text) and text[at] != '"':
        if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in '"\\':
            at += 1
        found.append(text[at])
        at += 1
    return "".join(found).replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n"), text[at + 1 :]


def _broken(reason: str) -> ServiceError:
    return ServiceError("validation_error", f"the multipart body cannot be read: {reason}")
