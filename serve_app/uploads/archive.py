"""Unpacks a zip archive that nobody vouches for."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from serve_app.uploads.files import FileWriter
from serve_app.uploads.kinds import check_not_nested, is_kept
from serve_app.uploads.limits import UploadLimits
from serve_app.uploads.names import Names, clean_name
from serve_app.uploads.refusals import file_too_large, invalid, quoted, too_large, too_many_bytes, too_many_files

MAX_RATIO = 250
"""Times that a file may grow when it is unpacked. Text of a mesh grows five- to twentyfold; deflate reaches 1032."""

_SMALL_BYTES = 1024**2
"""Files up to this size may grow as they like: a texture of one colour does."""

_MAX_DIRECTORY_BYTES = 4 * 1024**2
"""Of the list of files at the archive's end, which is read whole."""

_CHUNK = 1024**2
_END = struct.Struct("<4s4H2LH")
_LOCAL_BYTES = 30
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_JUNK = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


def unpack(archive: Path, into: FileWriter, limits: UploadLimits, cad_formats: tuple[str, ...]) -> list[str]:
    """Unpack an archive; what is refused leaves files behind, for the caller to remove.

    Args:
        archive: path of it.
        into: writes the files.
        limits: what they may cost.
        cad_formats: endings of CADs.

    Returns:
        Names of the files that were left out, since no CAD's reader reads such.

    Raises:
        ServiceError: ``upload_invalid`` or ``upload_too_large``.
    """
    with archive.open("rb") as file:
        _check_end(file)
        try:
            with zipfile.ZipFile(file) as opened:
                return _unpack(opened, into, limits, cad_formats)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, UnicodeError, ValueError) as error:
            raise invalid(f"the archive is damaged or of a kind that is not read ({error}); zip the files anew") from error


def _check_end(file: BinaryIO) -> None:
    """See that the archive is one from its first byte to its last, and that its list of files can be read at no great cost."""
    size = file.seek(0, 2)
    if size < _END.size:
        raise invalid("the file is no zip archive; zip the files anew")
    file.seek(0)
    if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
        raise invalid("the file does not begin as a zip archive does; zip the files anew")
    file.seek(size - _END.size)
    end = file.read(_END.size)
    mark, disk, first_disk, here, count, directory_bytes, directory_at, comment = _END.unpack(end)
    if mark != b"PK\x05\x06" or comment:
        raise invalid("the archive has a comment, or something behind its end; zip the files anew, without a comment")
    if 0xFFFF in (here, count) or 0xFFFFFFFF in (directory_bytes, directory_at):
        raise invalid("the archive is in the zip64 form, which only archives above 4 GiB or 65535 files need; zip the files anew")
    if disk or first_disk or here != count:
        raise invalid("the archive is one of several that belong together; zip the files into one")
    if directory_bytes > _MAX_DIRECTORY_BYTES:
        raise too_large(f"the archive's list of files has {directory_bytes} bytes, more than {_MAX_DIRECTORY_BYTES}; zip fewer files")
    if directory_at + directory_bytes != size - _END.size:
        raise invalid("the archive's list of files is not where it says; zip the files anew")


def _unpack(opened: zipfile.ZipFile, into: FileWriter, limits: UploadLimits, cad_formats: tuple[str, ...]) -> list[str]:
    entries = opened.infolist()
    files = [entry for entry in entries if not entry.is_dir()]
    if len(entries) > 2 * limits.files or len(files) > limits.files:
        raise too_many_files(limits.files)
    _check_no_overlap(entries, opened.start_dir)
    _check_sizes(files, limits)
    names, wanted, ignored = Names(), dict[str, zipfile.ZipInfo](), list[str]()
    for entry in files:
        name = clean_name(entry.filename)
        _check_entry(entry)
        if name.startswith("__MACOSX/") or name.rpartition("/")[2] in _JUNK:
            continue
        check_not_nested(name)
        names.add(name)
        if is_kept(name, cad_formats):
            wanted[name] = entry
        else:
            ignored.append(name)
    for name, entry in wanted.items():
        with opened.open(entry) as content:
            into.write_file(name, _chunks(content, entry))
    return ignored


def _chunks(content: IO[bytes], entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of an entry, which is what the archive says of it: ``zipfile`` checks its CRC, and it is no longer and no shorter."""
    size = 0
    while chunk := content.read(_CHUNK):
        size += len(chunk)
        yield chunk
    if size != entry.file_size:
        raise invalid(f"{quoted(entry.filename)} has {size} bytes, and the archive says {entry.file_size}; zip the files anew")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    """Refuse what is no plain, readable file."""
    name = quoted(entry.filename)
    if entry.flag_bits & 0x41 or entry.compress_type == 99:
        raise invalid(f"{name} in the archive is encrypted; zip the files anew without a password")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        what = "a link" if kind == stat.S_IFLNK else "no regular file"
        raise invalid(f"{name} in the archive is {what}; zip the file itself (without `zip -y`)")
    if entry.compress_type not in _METHODS:
        raise invalid(f"{name} in the archive is packed by method {entry.compress_type}, and only deflate is read; zip the files anew")


def _check_sizes(files: list[zipfile.ZipInfo], limits: UploadLimits) -> None:
    for entry in files:
        if entry.file_size > limits.file_bytes:
            raise file_too_large(entry.filename, limits.file_bytes)
        if entry.file_size > max(_SMALL_BYTES, MAX_RATIO * entry.compress_size):
            raise too_large(
                f"{quoted(entry.filename)} grows from {entry.compress_size} to {entry.file_size} bytes, more than "
                f"{MAX_RATIO} times; send it without an archive"
            )
    total = sum(entry.file_size for entry in files)
    if total > limits.upload_bytes:
        raise too_many_bytes(limits.upload_bytes)


def _check_no_overlap(entries: list[zipfile.ZipInfo], end: int) -> None:
    """Refuse an archive in which two files share bytes: a few kilobytes could become any number of files."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    behind = [*(entry.header_offset for entry in ordered[1:]), end]
    for entry, following in zip(ordered, behind, strict=True):
        if entry.header_offset + _LOCAL_BYTES + entry.compress_size > following:
            raise invalid("files of the archive share bytes; zip the files anew")
