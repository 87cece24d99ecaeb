"""Uploads for tests, made in a folder of their own."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from serve_app.base.errors import ServiceError
from serve_app.uploads.incoming import Incoming
from serve_app.uploads.limits import UploadLimits
from serve_app.uploads.room import Room
from serve_app.uploads.upload import Upload

LIMITS = UploadLimits(file_bytes=2 * 1024**2, upload_bytes=3 * 1024**2, files=20, kept_bytes=20 * 1024**2, ttl_sec=100.0)
CAD = b"solid a\nendsolid a\n"


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive; names may come twice."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content, method)
    return stream.getvalue()


class Receiver:
    """Takes uploads into a folder."""

    def __init__(self, folder: Path, limits: UploadLimits = LIMITS) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.limits, self.room = folder, limits, Room(folder, limits)

    def take(self, *files: tuple[str, bytes], piece: int = 1000) -> Upload:
        incoming = Incoming(self.folder, self.limits, self.room)
        try:
            for name, content in files:
                incoming.begin(name)
                for start in range(0, len(content), piece):
                    incoming.write(content[start : start + piece])
                incoming.end()
            return incoming.finish()
        except BaseException:
            incoming.discard()
            raise

    def refusal(self, *files: tuple[str, bytes]) -> ServiceError:
        """Why an upload is not taken; nothing of it is left."""
        used = self.room.used
        with pytest.raises(ServiceError) as caught:
            self.take(*files)
        assert not list(self.folder.iterdir()) and self.room.used == used
        return caught.value


def end_of(archive: bytes) -> tuple[int, ...]:
    """The fields of the record at an archive's end, and where it stands."""
    at = archive.rindex(b"PK\x05\x06")
    return (at, *struct.unpack("<4H2LH", archive[at + 4 : at + 22]))
