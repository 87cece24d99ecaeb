"""Receives the files and form fields of a ``multipart/form-data`` body, the files straight to disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from serve_app.base.aio import to_thread_to_end
from serve_app.base.errors import ServiceError
from serve_app.http.body_window import WINDOW_BYTES, is_windowed
from serve_app.http.multipart import PartBegins, PartData, parts_of
from serve_app.http.pace import in_large_pieces, paced
from serve_app.uploads.incoming import Incoming
from serve_app.uploads.refusals import too_large
from serve_app.uploads.store import UploadStore
from serve_app.uploads.upload import Upload

FILE_FIELD = "file"

FILES_SCHEMA: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "string", "format": "binary"},
    "description": "A CAD, with its .mtl and textures, each part with its file's name; or one .zip of them.",
}
"""What the OpenAPI document says of the files of a form."""

MAX_RECEIVED = 64
"""Uploads that are received at a time; each holds one of the ingress's places for requests."""

MAX_RECEIVED_BYTES = 1024**3
"""Bytes of the bodies that are received at a time, unless one comes alone. A body that the proxy holds back counts with its window; where
a proxy does not, all of it may wait in memory, up to twice."""

UNDECLARED_BYTES = 64 * 1024**2
"""Room that a body is given which does not declare its length; bytes that it may have where the proxy does not hold it back."""

_OVERHEAD_BYTES = 1024**2
"""Beside the files: boundaries, headers, form fields."""

_RETRY_SEC = 5


@dataclass
class Form:
    """What a body held.

    Attributes:
        upload: made of its files; None where it had none.
        fields: its form fields in their order, as text.
    """

    upload: Upload | None = None
    fields: list[tuple[str, str]] = field(default_factory=list)


class Receiver:
    """Receives bodies, some at a time.

    Args:
        uploads: where the files go.
        max_field_bytes: of all form fields of one body.
    """

    def __init__(self, uploads: UploadStore, max_field_bytes: int) -> None:
        self._uploads, self._max_field_bytes = uploads, max_field_bytes
        self._here = self._bytes_here = 0

    async def form(self, request: Request, *, with_fields: bool) -> Form:
        """Read a body to its end.

        Args:
            request: whose body is ``multipart/form-data``.
            with_fields: whether it may have form fields beside its files.

        Raises:
            ServiceError: the body is no such or too large, or an upload is not taken; nothing of it is kept then.
        """
        length = self._length(request)
        limit = UNDECLARED_BYTES if length is None else length
        with self.place(request, limit):
            await self._uploads.make_room(limit)
            if length is None and is_windowed(request.scope):
                limit = self._uploads.limits.upload_bytes + _OVERHEAD_BYTES
            return await self._form(request, with_fields, limit)

    @contextmanager
    def place(self, request: Request, length: int) -> Iterator[None]:
        """A place for a body of so many bytes, for as long as the context lasts.

        Raises:
            ServiceError: ``too_many_waiting``.
        """
        if is_windowed(request.scope):
            length = min(length, WINDOW_BYTES)
        if self._here >= MAX_RECEIVED or (self._here and self._bytes_here + length > MAX_RECEIVED_BYTES):
            detail = f"{self._here} uploads are being received already; try again in {_RETRY_SEC} s"
            raise ServiceError("too_many_waiting", detail, retry_after_sec=_RETRY_SEC)
        self._here, self._bytes_here = self._here + 1, self._bytes_here + length
        try:
            yield
        finally:
            self._here, self._bytes_here = self._here - 1, self._bytes_here - length

    def _length(self, request: Request) -> int | None:
        """Bytes that a body declares, which are refused where they are too many; None where it declares none."""
        declared, limit = request.headers.get("content-length", ""), self._uploads.limits.upload_bytes
        if not declared.isdecimal():
            return None
        length = int(declared[:19])
        if length > limit + _OVERHEAD_BYTES or len(declared) >= 19:
            raise too_large(f"the upload has {declared[:30]} bytes, more than {limit} (RENDER_UPLOADS_MAX_UPLOAD_BYTES); send fewer files")
        return length

    async def _form(self, request: Request, with_fields: bool, length: int) -> Form:
        reading = _Reading(self._uploads, self._max_field_bytes, with_fields)
        try:
            async for event in parts_of(request.headers["content-type"], in_large_pieces(_bounded(paced(request), length))):
                await reading.take(event)
            return await reading.finish()
        except BaseException:
            await reading.discard()
            raise


async def _bounded(chunks: AsyncIterator[bytes], length: int) -> AsyncIterator[bytes]:
    """The same bytes, if they are no more than these. What is no part of the form, as behind its end, counts, too."""
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > length:
            detail = f"a body without Content-Length may have {length} bytes; declare the length, send fewer files, or send one by tus"
            raise too_large(detail)
        yield chunk


class _Reading:
    """One body while it is read."""

    def __init__(self, uploads: UploadStore, max_field_bytes: int, with_fields: bool) -> None:
        self._uploads, self._left, self._with_fields = uploads, max_field_bytes, with_fields
        self._incoming: Incoming | None = None
        self._field: str | None = None
        self._text = bytearray()
        self._fields: list[tuple[str, str]] = []

    async def take(self, event: PartBegins | PartData | object) -> None:
        if isinstance(event, PartBegins):
            await self._begin(event)
        elif isinstance(event, PartData):
            if self._field is None:
                assert self._incoming is not None
                await to_thread_to_end(self._incoming.write, event.data)
            else:
                self._add_text(event.data)
        elif self._field is None:
            assert self._incoming is not None
            await to_thread_to_end(self._incoming.end)
        else:
            self._end_field(self._field)

    async def _begin(self, part: PartBegins) -> None:
        if part.file_name is None:
            if not self._with_fields or part.field == FILE_FIELD:
                what = f"the part {part.field[:40]!r} has no file name"
                raise ServiceError(
                    "validation_error", f"{what}; send each file as a part named {FILE_FIELD!r} with its name", part.field[:40]
                )
            self._field = part.field
            return
        if part.field != FILE_FIELD:
            detail = f"the file {part.file_name[:80]!r} is a part named {part.field[:40]!r}; send each file as a part named {FILE_FIELD!r}"
            raise ServiceError("validation_error", detail, part.field[:40])
        self._field = None
        if self._incoming is None:
            self._incoming = await asyncio.to_thread(self._uploads.receive)
        await to_thread_to_end(self._incoming.begin, part.file_name)

    def _add_text(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            raise ServiceError("body_too_large", "the form fields are larger than RENDER_MAX_BODY_BYTES allows; send fewer or shorter ones")
        self._text += data

    def _end_field(self, name: str) -> None:
        try:
            self._fields.append((name, self._text.decode()))
        except UnicodeDecodeError as error:
            raise ServiceError("validation_error", f"the form field {name[:40]!r} is not UTF-8", name[:40]) from error
        self._text = bytearray()

    async def finish(self) -> Form:
        if self._incoming is None:
            return Form(None, self._fields)
        upload = await to_thread_to_end(self._incoming.finish)
        self._uploads.add(upload)
        return Form(upload, self._fields)

    async def discard(self) -> None:
        if self._incoming is not None:
            await to_thread_to_end(self._incoming.discard)


def receiver_of(request: Request) -> Receiver:
    """The application's one receiver."""
    state = request.app.state
    if getattr(state, "receiver", None) is None:
        state.receiver = Receiver(state.get_service().uploads, state.settings.max_body_bytes)
    receiver: Receiver = state.receiver
    return receiver
