"""The solid of ``files`` as glTF: a document that a case may change, in text or in a GLB."""

from __future__ import annotations

import base64
import copy
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.hostile.files import TRIANGLES, VERTICES

Document = dict[str, Any]

POSITIONS = np.array(VERTICES, "<f4").tobytes()
INDICES = np.array(TRIANGLES, "<u2").tobytes()
BINARY = POSITIONS + INDICES

FLOAT, UNSIGNED_SHORT = 5126, 5123

DOCUMENT: Document = {
    "asset": {"version": "2.0"},
    "scene": 0,
    "scenes": [{"nodes": [0]}],
    "nodes": [{"mesh": 0, "name": "part"}],
    "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
    "accessors": [
        {"bufferView": 0, "componentType": FLOAT, "count": 4, "type": "VEC3", "min": [-30, -20, -10], "max": [40, 25, 30]},
        {"bufferView": 1, "componentType": UNSIGNED_SHORT, "count": 12, "type": "SCALAR"},
    ],
    "bufferViews": [
        {"buffer": 0, "byteOffset": 0, "byteLength": len(POSITIONS)},
        {"buffer": 0, "byteOffset": len(POSITIONS), "byteLength": len(INDICES)},
    ],
    "buffers": [{"byteLength": len(BINARY)}],
}
"""Its buffer is the binary chunk; ``text`` gives it a URI."""


def changed(change: Callable[[Document], object]) -> Document:
    """The document after a change in place."""
    document = copy.deepcopy(DOCUMENT)
    change(document)
    return document


def data_uri(data: bytes, kind: str = "application/octet-stream") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def text(document: Document = DOCUMENT, binary: bytes = BINARY) -> bytes:
    """A ``.gltf`` with its buffer inside; a URI that is there already stays."""
    document = copy.deepcopy(document)
    for buffer in document.get("buffers", [])[:1]:
        buffer.setdefault("uri", data_uri(binary))
    return json.dumps(document).encode()


def glb(document: Document | bytes = DOCUMENT, binary: bytes | None = BINARY, *, version: int = 2, more: int = 0) -> bytes:
    """A ``.glb``.

    Args:
        document: or what stands in its place.
        binary: the second chunk; None for none.
        version: of the container.
        more: bytes that its header claims beyond those that are there.
    """
    head = document if isinstance(document, bytes) else json.dumps(document).encode()
    body = chunk(b"JSON", head.ljust(-(-len(head) // 4) * 4)) + (b"" if binary is None else chunk(b"BIN\0", binary))
    return struct.pack("<4sII", b"glTF", version, 12 + len(body) + more) + body


def chunk(kind: bytes, data: bytes, length: int | None = None) -> bytes:
    """A chunk of a GLB; ``length`` is what its header claims."""
    return struct.pack("<I4s", len(data) if length is None else length, kind) + data
