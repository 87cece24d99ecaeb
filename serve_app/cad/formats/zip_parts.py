"""Opens the files inside a zip archive, and takes no more out of it than it may hold."""

from __future__ import annotations

import io
import zipfile
import zlib

from serve_app.cad.refusals import quoted, too_large

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAX_ENTRIES = 10_000


class ZipParts:
    """The files of one archive.

    Args:
        data: the archive.
        limit: bytes that all files together may have, unpacked: as its directory tells, and as they come out.

    Attributes:
        names: of the files.

    Raises:
        ValueError: it is no zip archive.
        ServiceError: ``cad_too_large``.
    """

    def __init__(self, data: bytes, limit: int) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
            raise ValueError("it is no zip archive, or one that ends too early; save it anew") from error
        entries = self._archive.infolist()
        if len(entries) > _MAX_ENTRIES:
            too_large(f"it holds {len(entries)} files, more than {_MAX_ENTRIES}")
        if (total := sum(entry.file_size for entry in entries)) > limit:
            too_large(f"it unpacks to {total} bytes, more than {limit}; simplify it, or have the operator raise RENDER_MAX_CAD_BYTES")
        self.names = [entry.filename for entry in entries]
        self._rest = limit

    def read(self, name: str) -> bytes:
        """Bytes of a file.

        Args:
            name: as the archive has it, in any case.

        Raises:
            ValueError: it is not there, or damaged.
            ServiceError: ``cad_too_large``.
        """
        wanted = name.lstrip("/").lower()
        found = next((known for known in self.names if known.lower() == wanted), None)
        if found is None:
            raise ValueError(f"the file {quoted(name)} is not in it; save it anew")
        entry = self._archive.getinfo(found)
        if entry.flag_bits & 1 or entry.compress_type not in _METHODS:
            raise ValueError(f"the file {quoted(name)} in it is encrypted, or packed in a way that is not read; save it anew with deflate")
        try:
            with self._archive.open(entry) as stream:
                data = stream.read(self._rest + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise ValueError(f"the file {quoted(name)} in it is damaged; save it anew") from error
        if len(data) > self._rest:
            too_large("it unpacks to more bytes than its directory tells; save it anew")
        self._rest -= len(data)
        return data
