"""Writes the files of an upload into its folder: bounded, hashed, flushed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from serve_app.base.errors import ServiceError
from serve_app.uploads.kinds import HEAD_BYTES, check_content
from serve_app.uploads.limits import UploadLimits
from serve_app.uploads.refusals import FIELD, file_too_large, too_many_bytes, too_many_files
from serve_app.uploads.room import Room
from serve_app.uploads.upload import UploadedFile


class FileWriter:
    """The files of one upload, written one after the other.

    Args:
        folder: that is there, and in which nobody else writes.
        limits: of the upload.
        room: that all uploads share.

    Attributes:
        files: that are whole.
        unfinished_bytes: of the one that was begun.
    """

    def __init__(self, folder: Path, limits: UploadLimits, room: Room) -> None:
        self._folder, self._limits, self._room = folder, limits, room
        self._left = limits.upload_bytes
        self.files: list[UploadedFile] = []
        self._file: BinaryIO | None = None
        self.unfinished_bytes = 0

    def write_file(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write a file whole; see ``begin``, ``write`` and ``end``."""
        self.begin(name)
        for chunk in chunks:
            self.write(chunk)
        self.end()

    def begin(self, name: str) -> None:
        """Begin a file.

        Args:
            name: clean, and no other file's.

        Raises:
            ServiceError: ``upload_too_large``: there are too many; ``storage_full``: the disk has no room.
        """
        if len(self.files) >= self._limits.files:
            raise too_many_files(self._limits.files)
        path = self._folder / name
        with telling():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("xb")
        self._name, self._digest, self._head = name, hashlib.sha256(), b""

    def write(self, chunk: bytes) -> None:
        """Add to the file that was begun.

        Raises:
            ServiceError: ``upload_too_large``, ``storage_full``, or ``upload_invalid``: it is an archive.
        """
        assert self._file is not None
        if self.unfinished_bytes + len(chunk) > self._limits.file_bytes:
            raise file_too_large(self._name, self._limits.file_bytes)
        if len(chunk) > self._left:
            raise too_many_bytes(self._limits.upload_bytes)
        self._room.take(len(chunk))
        self._left -= len(chunk)
        self.unfinished_bytes += len(chunk)
        if len(self._head) < HEAD_BYTES:
            self._head += chunk[: HEAD_BYTES - len(self._head)]
        self._digest.update(chunk)
        with telling():
            self._file.write(chunk)

    def end(self) -> None:
        """End the file: on disk when this returns."""
        assert self._file is not None
        check_content(self._name, self._head)
        with telling():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        self._file = None
        self.files.append(UploadedFile(self._name, self.unfinished_bytes, self._digest.hexdigest()))
        self.unfinished_bytes = 0

    def close(self) -> None:
        """Leave a file that was begun as it is."""
        if self._file is not None:
            self._file.close()
            self._file = None


@contextmanager
def telling() -> Iterator[None]:
    """Turns the errors of a disk into what a client is told."""
    try:
        yield
    except OSError as error:
        raise not_stored(error) from error


def not_stored(error: OSError) -> ServiceError:
    """What a client is told of a disk that takes no upload."""
    return ServiceError(
        "storage_full",
        f"the upload cannot be stored ({error.strerror or 'the disk refuses it'}); the operator must see to RENDER_DATA_DIR",
        FIELD,
        retry_after_sec=60,
    )
