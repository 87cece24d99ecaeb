"""A zip file of a job's files that is never made: its bytes are read from the files when they are asked for.

Files are stored as they are, so the length is known before anything is read, and any range of the bytes can be given.
"""

from __future__ import annotations

import hashlib
import struct
import time
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

CHUNK_BYTES = 1 << 20
MAX_FILE_BYTES = (1 << 32) - 2
"""Of one file: larger ones would need another form of header."""

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_ZIP64_EXTRA = struct.Struct("<HHQ")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR64 = struct.Struct("<4sIQI")
_END = struct.Struct("<4sHHHHIIH")
_LARGE, _MANY = 0xFFFFFFFF, 0xFFFF
_UTF8 = 0x800
_MADE_BY_UNIX = 3 << 8
_MODE = 0o100644 << 16


class ChangedArchiveError(Exception):
    """A file is not what it was when the archive's length was told; the message names it."""


@dataclass(frozen=True)
class ArchivedFile:
    """A file in an archive.

    Attributes:
        name: in the archive, with slashes.
        size: bytes.
        open: opens it for reading; raises ``OSError``.
        sha256: of what it must hold, in hex; None where that is not known.
    """

    name: str
    size: int
    open: Callable[[], BinaryIO]
    sha256: str | None = None


class StoredArchive:
    """The bytes of a zip file.

    Args:
        files: in their order.
        moment: Unix seconds that each file is dated with.
        sums: CRC-32 of files by their place, as far as they are known; others are added when they are.
    """

    def __init__(self, files: Sequence[ArchivedFile], moment: float, sums: dict[int, int] | None = None) -> None:
        self._files = files
        self._stamp = _dos_time(moment)
        self._names = [file.name.encode() for file in files]
        self._offsets: list[int] = []
        position = 0
        for file, name in zip(files, self._names, strict=True):
            if file.size > MAX_FILE_BYTES:
                raise ValueError(f"{file.name} is too large for an archive")
            self._offsets.append(position)
            position += _LOCAL.size + len(name) + file.size
        self._directory_at = position
        self._sums = {} if sums is None else sums
        self.length = position + len(self._tail([0] * len(files)))

    def chunks(self, start: int, stop: int) -> Generator[bytes, None, None]:
        """The bytes from ``start`` up to ``stop``, in pieces of at most ``CHUNK_BYTES`` and a header.

        Raises:
            ChangedArchiveError: a file is not what it was, or has gone; what came before is worth nothing then.
        """
        for number, (file, name) in enumerate(zip(self._files, self._names, strict=True)):
            begins = self._offsets[number]
            content_at = begins + _LOCAL.size + len(name)
            if begins >= stop:
                return
            if content_at + file.size <= start:
                continue
            if content_at > start:
                header = self._local(number, self._sum(number))
                yield header[max(0, start - begins) : stop - begins]
            yield from self._content(file, max(0, start - content_at), min(file.size, stop - content_at))
        if stop > self._directory_at:
            tail = self._tail([self._sum(number) for number in range(len(self._files))])
            yield tail[max(0, start - self._directory_at) : stop - self._directory_at]

    def _content(self, file: ArchivedFile, start: int, stop: int) -> Iterator[bytes]:
        try:
            with file.open() as opened:
                if opened.seek(0, 2) != file.size:
                    raise ChangedArchiveError(file.name)
                opened.seek(start)
                while start < stop:
                    chunk = opened.read(min(CHUNK_BYTES, stop - start))
                    if not chunk:
                        raise ChangedArchiveError(file.name)
                    start += len(chunk)
                    yield chunk
        except OSError as error:
            raise ChangedArchiveError(file.name) from error

    def _sum(self, number: int) -> int:
        """CRC-32 of a file, which is held against what it must hold when it is read for that."""
        if number not in self._sums:
            file, total, digest = self._files[number], 0, hashlib.sha256()
            for chunk in self._content(file, 0, file.size):
                total = zlib.crc32(chunk, total)
                digest.update(chunk)
            if file.sha256 not in (None, digest.hexdigest()):
                raise ChangedArchiveError(file.name)
            self._sums[number] = total
        return self._sums[number]

    def _local(self, number: int, total: int) -> bytes:
        size, name = self._files[number].size, self._names[number]
        return _LOCAL.pack(b"PK\x03\x04", 20, _UTF8, 0, *self._stamp, total, size, size, len(name), 0) + name

    def _tail(self, sums: Sequence[int]) -> bytes:
        """The directory and the end."""
        entries = b"".join(self._central(number, total) for number, total in enumerate(sums))
        count, at = len(self._files), self._directory_at
        end = b""
        if count >= _MANY or at + len(entries) >= _LARGE:
            end += _END64.pack(b"PK\x06\x06", _END64.size - 12, 45, 45, 0, 0, count, count, len(entries), at)
            end += _LOCATOR64.pack(b"PK\x06\x07", 0, at + len(entries), 1)
        few, small = min(count, _MANY), min(at, _LARGE)
        return entries + end + _END.pack(b"PK\x05\x06", 0, 0, few, few, min(len(entries), _LARGE), small, 0)

    def _central(self, number: int, total: int) -> bytes:
        size, name, offset = self._files[number].size, self._names[number], self._offsets[number]
        extra = _ZIP64_EXTRA.pack(1, 8, offset) if offset >= _LARGE else b""
        version = 45 if extra else 20
        head = (b"PK\x01\x02", _MADE_BY_UNIX | version, version, _UTF8, 0, *self._stamp, total, size, size)
        return _CENTRAL.pack(*head, len(name), len(extra), 0, 0, 0, _MODE, min(offset, _LARGE)) + name + extra


def _dos_time(moment: float) -> tuple[int, int]:
    """Time and date of a moment, UTC, as zip files have them."""
    year, month, day, hour, minute, second, *_ = time.gmtime(max(moment, 315532800))
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day
