"""Uploads of one file that may come in many pieces, over lost connections and restarts of the server."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from serve_app.base import metrics
from serve_app.base.aio import spawn, to_thread_to_end
from serve_app.base.errors import ServiceError
from serve_app.base.logs import server_event
from serve_app.cad.parse import FORMATS
from serve_app.uploads.files import telling
from serve_app.uploads.incoming import new_upload_id, no_cad
from serve_app.uploads.kinds import ARCHIVE, suffix_of
from serve_app.uploads.names import clean_name
from serve_app.uploads.refusals import file_too_large, quoted, too_many_bytes
from serve_app.uploads.store import UploadStore
from serve_app.uploads.upload import Upload

MAX_PARTIAL = 1000
"""Uploads that have begun and are not whole."""

CHECKSUMS = ("sha1", "sha256")

_PREFIX = ".tus-"
_RECORD, _DATA, _OFFSET = "tus.json", "data", "offset"
_NOTE_BYTES = 16 * 1024**2
"""So much may have to be sent again after the server was killed."""

_LOCK_SEC = 10.0
_READ_BYTES = 1024**2


@dataclass
class Partial:
    """An upload that is not whole.

    Attributes:
        upload_id: cannot be guessed.
        name: of its one file.
        length: bytes that it will have.
        offset: bytes that are there.
        created_at: in Unix seconds.
        used_at: when something of it last came, in Unix seconds.
        lock: held while a piece of it is received.
        finishing: makes an upload of it, once all is there.
    """

    upload_id: str
    name: str
    length: int
    offset: int
    created_at: float
    used_at: float
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    finishing: asyncio.Task[Upload] | None = None


class ResumableUploads:
    """Receives them, and hands each over to the store when it is whole; used on the event loop.

    Args:
        store: of the uploads that are whole.
    """

    def __init__(self, store: UploadStore) -> None:
        self._store, self._folder, self._limits = store, store.folder, store.limits
        self._partial: dict[str, Partial] = {}
        store.also_sweep, store.incomplete = self.sweep, lambda upload_id: upload_id in self._partial
        for path in sorted(self._folder.glob(f"{_PREFIX}*")):
            try:
                self._take_up(path)
            except (OSError, ValueError, KeyError, TypeError) as error:
                server_event("warning", "an upload that had begun cannot be taken up; it is removed", path=str(path), cause=str(error))
                shutil.rmtree(path, ignore_errors=True)

    def __len__(self) -> int:
        return len(self._partial)

    def _take_up(self, path: Path) -> None:
        told = json.loads((path / _RECORD).read_text())
        offset, upload_id = int((path / _OFFSET).read_text()), path.name.removeprefix(_PREFIX)
        if offset > (path / _DATA).stat().st_size:
            raise ValueError("bytes of it are missing")
        os.truncate(path / _DATA, offset)  # What came behind was not answered.
        used_at = (path / _OFFSET).stat().st_mtime
        self._partial[upload_id] = Partial(upload_id, told["name"], told["length"], offset, told["created_at"], used_at)
        self._store.room.hold(told["length"])

    def expires_at(self, partial: Partial) -> float:
        """Unix seconds after which it is removed unless more of it comes."""
        return partial.used_at + self._limits.ttl_sec

    def find(self, upload_id: str) -> Partial | Upload:
        """An upload, whole or not.

        Raises:
            ServiceError: ``upload_not_found`` or ``upload_expired``.
        """
        partial = self._partial.get(upload_id)
        if partial is None or self.expires_at(partial) <= time.time():
            return self._store.find(upload_id, known=partial is not None)
        return partial

    async def create(self, text: str, length: int) -> Partial:
        """Begin an upload; its room is taken at once.

        Args:
            text: name of the file, as the client has it.
            length: bytes that it will have.

        Raises:
            ServiceError: it would not be taken.
        """
        name, limit = clean_name(text), self._limits.file_bytes
        packed = suffix_of(name) == ARCHIVE
        if not packed and suffix_of(name) not in FORMATS:
            raise no_cad([name])
        if length > (self._limits.upload_bytes if packed else min(limit, self._limits.upload_bytes)):
            raise too_many_bytes(self._limits.upload_bytes) if packed else file_too_large(name, limit)
        if len(self._partial) >= MAX_PARTIAL:
            detail = f"{len(self._partial)} uploads have begun and are not whole; finish or DELETE yours, or try again later"
            raise ServiceError("too_many_waiting", detail, retry_after_sec=60)
        await self._store.make_room(length)
        now = time.time()
        partial = Partial(new_upload_id(), name, length, 0, now, now)
        await asyncio.to_thread(self._store.room.take, length)
        self._partial[partial.upload_id] = partial
        try:
            await to_thread_to_end(self._make, partial)
        except BaseException:
            await self._forget(partial)
            raise
        return partial

    def _make(self, partial: Partial) -> None:
        folder = self._of(partial)
        with telling():
            folder.mkdir(mode=0o700)
            told = {"name": partial.name, "length": partial.length, "created_at": partial.created_at}
            (folder / _RECORD).write_text(json.dumps(told))
            (folder / _DATA).touch()
            _note(folder, 0)

    def _of(self, partial: Partial) -> Path:
        return self._folder / f"{_PREFIX}{partial.upload_id}"

    async def append(
        self, partial: Partial, offset: int, chunks: AsyncIterator[bytes], checksum: tuple[str, bytes] | None = None
    ) -> Upload | Partial:
        """Take the next piece of an upload.

        Args:
            partial: the upload.
            offset: where the piece begins.
            chunks: the piece.
            checksum: algorithm, one of ``CHECKSUMS``, and digest of the piece; where it is not that, nothing of it is kept.

        Returns:
            The upload; as one of the store's when it is whole.

        Raises:
            ServiceError: ``upload_offset_conflict``, ``upload_checksum_mismatch``; or why the whole upload is not taken: it is gone then.
        """
        try:
            async with asyncio.timeout(_LOCK_SEC):  # The piece before may have lost its client, and not know it yet.
                await partial.lock.acquire()
        except TimeoutError:
            detail = f"another piece of the upload {quoted(partial.upload_id)} is being received; try again in {_LOCK_SEC:g} s"
            raise ServiceError("upload_offset_conflict", detail, "Upload-Offset", retry_after_sec=round(_LOCK_SEC)) from None
        try:
            if self._partial.get(partial.upload_id) is not partial:
                self._store.find(partial.upload_id, known=True)
            if partial.finishing is not None:
                return await asyncio.shield(partial.finishing)
            if offset != partial.offset:
                detail = f"the piece begins at byte {offset}, and {partial.offset} bytes are there; ask HEAD where to go on"
                raise ServiceError("upload_offset_conflict", detail, "Upload-Offset")
            await self._append(partial, chunks, checksum)
            if partial.offset == partial.length:
                # A client that hangs up now has sent everything: the upload is made all the same.
                partial.finishing = spawn(self._finish(partial))
                return await asyncio.shield(partial.finishing)
            return partial
        finally:
            partial.lock.release()

    async def _append(self, partial: Partial, chunks: AsyncIterator[bytes], checksum: tuple[str, bytes] | None) -> None:
        folder, began, noted = self._of(partial), partial.offset, partial.offset
        digest = hashlib.new(checksum[0]) if checksum is not None else None
        kept = False
        try:
            async for chunk in chunks:
                if partial.offset + len(chunk) > partial.length:
                    detail = f"more bytes come than Upload-Length says ({partial.length})"
                    raise ServiceError("upload_too_large", detail, "Upload-Length")
                await to_thread_to_end(_write, folder / _DATA, chunk)
                if digest is not None:
                    digest.update(chunk)
                partial.offset += len(chunk)
                partial.used_at = time.time()
                if digest is None and partial.offset - noted >= _NOTE_BYTES:
                    noted = partial.offset
                    await to_thread_to_end(_note, folder, noted)
            if digest is not None and checksum is not None and digest.digest() != checksum[1]:
                detail = f"the piece has another {checksum[0]} than Upload-Checksum says; send it again"
                raise ServiceError("upload_checksum_mismatch", detail, "Upload-Checksum")
            kept = True
        finally:
            if digest is not None and not kept:
                partial.offset = began
            await to_thread_to_end(_settle, folder, partial.offset)

    async def _finish(self, partial: Partial) -> Upload:
        """Make a whole upload of it, or none."""
        try:
            return await self._store.take_file(partial.upload_id, partial.name, _content(self._of(partial) / _DATA))
        except ServiceError:
            self._store.tell_gone(partial.upload_id)
            raise
        finally:
            await self._forget(partial)

    async def remove(self, upload_id: str) -> None:
        """Remove an upload, whole or not, for a client; errors as of ``find``, or ``upload_in_use``."""
        found = self.find(upload_id)
        if isinstance(found, Upload):
            await self._store.remove(upload_id)
            return
        async with found.lock:
            self._store.tell_gone(upload_id)
            await self._forget(found)

    async def _forget(self, partial: Partial) -> None:
        if self._partial.pop(partial.upload_id, None) is not None:
            self._store.room.give(partial.length)
            await to_thread_to_end(shutil.rmtree, self._of(partial), ignore_errors=True)

    async def sweep(self) -> None:
        """Remove what has been left lying."""
        for partial in [partial for partial in self._partial.values() if self.expires_at(partial) <= time.time()]:
            if not partial.lock.locked() and partial.finishing is None:
                self._store.tell_gone(partial.upload_id)
                await self._forget(partial)
                metrics.REMOVED.add(1, "upload", "expired")


def _content(path: Path) -> AsyncIterator[bytes]:
    async def pieces() -> AsyncIterator[bytes]:
        with path.open("rb") as file:
            while chunk := await asyncio.to_thread(file.read, _READ_BYTES):
                yield chunk

    return pieces()


def _write(path: Path, chunk: bytes) -> None:
    with telling(), path.open("ab") as file:
        file.write(chunk)


def _settle(folder: Path, offset: int) -> None:
    """Cut off what is not kept, and note what is."""
    with telling():
        os.truncate(folder / _DATA, offset)
    _note(folder, offset)


def _note(folder: Path, offset: int) -> None:
    """Put on disk how many bytes are there for good."""
    with telling():
        descriptor = os.open(folder / _DATA, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        new = folder / f"{_OFFSET}.new"
        new.write_text(str(offset))
        new.replace(folder / _OFFSET)
