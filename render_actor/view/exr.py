"""Reads what Blender writes as an uncompressed OpenEXR file: numbers as Cycles has them, before any view transform.

Only this form is read: scan lines, no compression. Layout: "OpenEXR File Layout", Academy Software Foundation.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_TYPES = {1: np.dtype("<f2"), 2: np.dtype("<f4")}


class ExrError(ValueError):
    """A file is cut short, or is no uncompressed OpenEXR file."""


class ExrImage:
    """An image with named channels.

    Args:
        content: of the file.

    Attributes:
        attributes: of type string in the file's header, by name.

    Raises:
        ExrError: as it says.
    """

    def __init__(self, content: bytes) -> None:
        try:
            self._read(content)
        except (IndexError, KeyError, ValueError, struct.error) as error:
            raise ExrError(f"no whole uncompressed OpenEXR file: {error}") from error

    def _read(self, content: bytes) -> None:
        header, body = _header(content)
        if header["compression"] != b"\0":
            raise ValueError("it is compressed")
        self.attributes = {name.removeprefix("string "): value.decode() for name, value in header.items() if name.startswith("string ")}
        left, top, right, bottom = struct.unpack("<4i", header["dataWindow"])
        width, height = right - left + 1, bottom - top + 1
        channels = _channels(header["channels"])
        line = 8 + width * sum(kind.itemsize for _, kind in channels)  # Each with its row and its size before it.
        lines = np.frombuffer(content, np.uint8, height * line, body + 8 * height).reshape(height, line)[:, 8:]
        self._channels: dict[str, NDArray[np.float32]] = {}
        first = 0
        for name, kind in channels:
            last = first + width * kind.itemsize
            self._channels[name] = np.ascontiguousarray(lines[:, first:last]).view(kind).astype(np.float32)
            first = last

    def vectors(self, ending: str, letters: str) -> NDArray[np.float32]:
        """(H, W, len(letters)) of the channels whose names end so, one for each letter.

        Raises:
            ExrError: there is no such channel.
        """
        found = [[name for name in self._channels if name.endswith(f"{ending}.{letter}")] for letter in letters]
        if not all(found):
            raise ExrError(f"no channels {ending}.{letters} among {', '.join(self._channels)}")
        return np.stack([self._channels[names[0]] for names in found], axis=-1)


def read_exr(path: Path) -> ExrImage:
    """A file.

    Raises:
        ExrError: it is cut short, or no uncompressed OpenEXR file.
        OSError: it cannot be read.
    """
    return ExrImage(path.read_bytes())


def _header(content: bytes) -> tuple[dict[str, bytes], int]:
    """Attributes by name, those of type string under ``string <name>``, and where the header ends."""
    if content[:4] != b"\x76\x2f\x31\x01":
        raise ValueError("the first bytes are others")
    found, at = {}, 8
    while content[at]:
        name, at = _text(content, at)
        kind, at = _text(content, at)
        (size,) = struct.unpack_from("<i", content, at)
        value = content[at + 4 : at + 4 + size]
        found[f"string {name}" if kind == "string" else name] = value
        at += 4 + size
    return found, at + 1


def _channels(value: bytes) -> list[tuple[str, np.dtype[np.float32]]]:
    found, at = [], 0
    while value[at]:
        name, at = _text(value, at)
        (kind,) = struct.unpack_from("<i", value, at)
        found.append((name, _TYPES[kind]))
        at += 16
    return found  # type: ignore[return-value]


def _text(content: bytes, at: int) -> tuple[str, int]:
    end = content.index(b"\0", at)
    return content[at:end].decode(), end + 1
