"""An upload while it is received: in a hidden folder, which becomes the upload's with one rename."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from pathlib import Path
from typing import BinaryIO

from serve_app.base.errors import ServiceError
from serve_app.cad.formats.foreign import instead
from serve_app.cad.parse import FORMATS
from serve_app.uploads.archive import unpack
from serve_app.uploads.files import FileWriter, telling
from serve_app.uploads.kinds import ARCHIVE, check_not_nested, is_kept, suffix_of
from serve_app.uploads.limits import UploadLimits
from serve_app.uploads.names import Names, clean_name
from serve_app.uploads.refusals import FIELD, invalid, quoted, too_many_bytes, too_many_files
from serve_app.uploads.room import Room
from serve_app.uploads.upload import Upload

FILES, RECORD = "files", "upload.json"
RECEIVING = ".receiving-"

_PACKED = "archive.zip"
_PRIVATE = 0o700


def new_upload_id() -> str:
    """An id that cannot be guessed."""
    return uuid.uuid4().hex


class Incoming:
    """Takes the files of one upload, one after the other; every method waits for the disk.

    Args:
        folder: of all uploads.
        limits: of one.
        room: what all uploads may have together.
        upload_id: of this one.
    """

    def __init__(self, folder: Path, limits: UploadLimits, room: Room, upload_id: str = "") -> None:
        self.upload_id = upload_id or new_upload_id()
        self._all, self._limits, self._room = folder, limits, room
        self._folder = folder / f"{RECEIVING}{self.upload_id}"
        with telling():
            self._folder.mkdir(mode=_PRIVATE)
            (self._folder / FILES).mkdir()
        self._writer = FileWriter(self._folder / FILES, limits, room)
        self._names, self._ignored = Names(), list[str]()
        self._archive: BinaryIO | None = None
        self._archive_bytes, self._skipped_bytes, self._skips, self._sent_bytes = 0, 0, False, 0

    def begin(self, text: str) -> None:
        """Begin a file.

        Args:
            text: its name, as the client has it.

        Raises:
            ServiceError: ``upload_invalid``, ``upload_too_large`` or ``storage_full``.
        """
        name = clean_name(text)
        packed = suffix_of(name) == ARCHIVE
        if self._archive is not None or (packed and len(self._names)):
            check_not_nested(name if packed else f"{_PACKED}")
        if not packed:
            check_not_nested(name)
        self._names.add(name)
        if len(self._names) > self._limits.files:
            raise too_many_files(self._limits.files)
        self._skips = not packed and not is_kept(name, FORMATS)
        if packed:
            with telling():
                self._archive = (self._folder / _PACKED).open("xb")
        elif self._skips:
            self._ignored.append(name)
        else:
            self._writer.begin(name)

    def write(self, chunk: bytes) -> None:
        """Add to the file that was begun; errors as of ``begin``."""
        self._sent_bytes += len(chunk)
        if self._archive is None and not self._skips:
            self._writer.write(chunk)
            return
        self._skipped_bytes += len(chunk)
        if self._skipped_bytes > self._limits.upload_bytes:
            raise too_many_bytes(self._limits.upload_bytes)
        if self._archive is not None:
            self._room.take(len(chunk))
            self._archive_bytes += len(chunk)
            with telling():
                self._archive.write(chunk)

    def end(self) -> None:
        """End the file that was begun; errors as of ``begin``."""
        if self._archive is not None:
            with telling():
                self._archive.close()
        elif not self._skips:
            self._writer.end()

    def finish(self) -> Upload:
        """Unpack an archive, and put everything where it is found; on disk when this returns.

        Raises:
            ServiceError: ``upload_invalid``, ``upload_too_large``, ``storage_full``; or ``cad_format_unsupported``: there is no CAD.
        """
        if self._archive is not None:
            self._ignored += unpack(self._folder / _PACKED, self._writer, self._limits, FORMATS)
            with telling():
                (self._folder / _PACKED).unlink()
            self._room.give(self._archive_bytes)
            self._archive_bytes = 0
        files, now = tuple(self._writer.files), time.time()
        cads = tuple(file.name for file in files if suffix_of(file.name) in FORMATS)
        if not cads:
            raise no_cad([file.name for file in files] + self._ignored)
        upload = Upload(self.upload_id, files, tuple(self._ignored), cads, now, now, self._sent_bytes)
        with telling():
            with (self._folder / RECORD).open("x") as record:
                record.write(upload.to_json())
                record.flush()
                os.fsync(record.fileno())
            for folder in (self._folder / FILES, self._folder):
                _flush(folder)
            self._folder.rename(self._all / self.upload_id)
            _flush(self._all)
        return upload

    def discard(self) -> None:
        """Remove everything; nothing was uploaded."""
        self._writer.close()
        if self._archive is not None:
            self._archive.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._room.give(self._archive_bytes + sum(file.bytes for file in self._writer.files) + self._writer.unfinished_bytes)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def no_cad(names: list[str]) -> ServiceError:
    """The refusal of an upload without a CAD, with what to do about the files that it has."""
    if not names:
        return invalid("the upload holds no file; send a CAD, with its .mtl and textures, or one .zip of them")
    advice = next((text for name in names if (text := instead(suffix_of(name)))), None)
    some = ", ".join(map(quoted, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    detail = f"there is no CAD among the files ({some}); {', '.join(FORMATS)} are read" + (f": {advice}" if advice else "")
    return ServiceError("cad_format_unsupported", detail, FIELD)
