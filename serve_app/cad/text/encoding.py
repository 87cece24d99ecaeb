"""Text of CAD files in whatever encoding it comes."""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # Before UTF-16, whose mark is the beginning of this one.
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def as_utf8(data: bytes) -> bytes:
    """A file's bytes with its text in UTF-8, where a byte order mark says that it is in another encoding.

    A file without a mark is returned as it is.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :] if encoding == "utf-8" else data[len(mark) :].decode(encoding, "replace").encode("utf-8", "replace")
    return data


def decoded(data: bytes) -> str:
    """Text of names and .mtl files: UTF-8, and what is not is read as Windows has it."""
    data = as_utf8(data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
