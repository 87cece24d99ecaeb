"""Makes OpenEXR files for tests, in the form that Blender writes and in others."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

MAGIC = b"\x76\x2f\x31\x01"
NO_COMPRESSION, ZIP = 0, 3
_PIXEL_TYPES = {"float16": 1, "float32": 2, "uint32": 0}


def exr(
    channels: Mapping[str, NDArray[np.generic]],
    attributes: Mapping[str, str] | None = None,
    *,
    corner: tuple[int, int] = (0, 0),
    compression: int = NO_COMPRESSION,
    without: str = "",
) -> bytes:
    """A file of scan lines.

    Args:
        channels: (H, W) of float16, float32 or uint32, by name; they are written in alphabetical order, as the format wants it.
        attributes: of type string.
        corner: left and top of the data window.
        compression: as the header says; the pixels are not compressed in any case.
        without: name of an attribute to leave out.
    """
    height, width = next(iter(channels.values())).shape
    names = sorted(channels)
    left, top = corner
    window = struct.pack("<4i", left, top, left + width - 1, top + height - 1)
    described = b"".join(_text(name) + struct.pack("<iiii", _PIXEL_TYPES[channels[name].dtype.name], 0, 1, 1) for name in names) + b"\0"
    header = {
        "channels": ("chlist", described),
        "compression": ("compression", bytes([compression])),
        "dataWindow": ("box2i", window),
        "displayWindow": ("box2i", window),
        "lineOrder": ("lineOrder", b"\0"),
        "pixelAspectRatio": ("float", struct.pack("<f", 1.0)),
        **{name: ("string", value.encode()) for name, value in (attributes or {}).items()},
    }
    head = MAGIC + struct.pack("<i", 2)
    for name, (kind, value) in header.items():
        if name != without:
            head += _text(name) + _text(kind) + struct.pack("<i", len(value)) + value
    head += b"\0"
    lines = []
    for row in range(height):
        pixels = b"".join(np.ascontiguousarray(channels[name][row]).tobytes() for name in names)
        lines.append(struct.pack("<ii", top + row, len(pixels)) + pixels)
    first = len(head) + 8 * height
    offsets = [first + row * len(lines[0]) for row in range(height)]
    return head + struct.pack(f"<{height}Q", *offsets) + b"".join(lines)


def _text(value: str) -> bytes:
    return value.encode() + b"\0"
