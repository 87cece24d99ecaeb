"""Opens glTF files: the container, the JSON text in it, and the bytes that it refers to."""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from serve_app.cad.references import ReferenceResolver
from serve_app.cad.refusals import quoted
from serve_app.cad.text.encoding import decoded

_MAGIC, _JSON, _BIN = b"glTF", 0x4E4F534A, 0x004E4942
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass
class GltfFile:
    """A glTF file.

    Attributes:
        header: its JSON text.
        binary: what a GLB carries beside that, or None.
        resolver: opens the files that it refers to.
    """

    header: dict[str, Any]
    binary: memoryview | None
    resolver: ReferenceResolver
    _buffers: dict[int, memoryview] = field(default_factory=dict)
    _checked: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """The objects of one kind: ``meshes``, ``nodes``, ``accessors``, ..."""
        if kind not in self._checked:  # Once: a file may have a hundred thousand nodes, each of which is asked for.
            found = self.header.get(kind, [])
            if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
                raise ValueError(f"its {quoted(kind)} are no list of objects")
            self._checked[kind] = found
        return self._checked[kind]

    def entry(self, kind: str, index: Any, owner: str) -> dict[str, Any]:
        """One of them, which ``owner`` refers to."""
        found = self.entries(kind)
        if not is_count(index) or index >= len(found):
            raise ValueError(f"{owner} refers to {quoted(str(index))} of its {kind}, and there are {len(found)}")
        return found[index]

    def view(self, index: Any, owner: str) -> memoryview:
        """The bytes of a buffer view, which ``owner`` refers to."""
        view = self.entry("bufferViews", index, owner)
        what = f"buffer view {index}"
        start, length = count_in(view, "byteOffset", what, 0), count_in(view, "byteLength", what)
        data = self.buffer(view.get("buffer"), what)
        if start + length > len(data):
            raise ValueError(
                f"{what} ends at byte {start + length}, after the end of its buffer, which has {len(data)}; the file is cut off"
            )
        return data[start : start + length]

    def buffer(self, index: Any, owner: str) -> memoryview:
        """The bytes of a buffer, which ``owner`` refers to; each is read once."""
        buffer = self.entry("buffers", index, owner)
        if index not in self._buffers:
            self._buffers[index] = memoryview(self._buffer(buffer, index))
        return self._buffers[index]

    def _buffer(self, buffer: dict[str, Any], index: int) -> bytes | memoryview:
        uri = buffer.get("uri")
        if uri is None:
            if index == 0 and self.binary is not None:
                return self.binary
            raise ValueError(f"buffer {index} has no data; if the file is compressed, export it without compression")
        try:
            return self.read(uri)
        except FileNotFoundError as error:
            raise ValueError(f"buffer {index}, {_shown(uri)}, cannot be read: {error}; put it beside the CAD, or export a .glb") from error

    def read(self, uri: Any) -> bytes:
        """What a URI holds: one with the data in it, or one of a file in the CAD's folder.

        Raises:
            FileNotFoundError: there is nothing to be had, and why.
        """
        if not isinstance(uri, str):
            raise FileNotFoundError("its URI is no text")
        if uri.startswith("data:"):
            head, _, text = uri.partition(",")
            if not head.endswith(";base64"):
                raise FileNotFoundError("its data are not in base64")
            try:
                return base64.b64decode(text, validate=True)
            except binascii.Error as error:
                raise FileNotFoundError("its base64 is damaged") from error
        if _SCHEME.match(uri) or uri.startswith(("//", "\\\\")):
            raise FileNotFoundError("only files in the CAD's own folder are read, by a relative URI")
        return self.resolver.get(unquote(uri))


def open_gltf(data: bytes, resolver: ReferenceResolver) -> GltfFile:
    """Open a glTF file, as text or binary: its first bytes tell, as its name may be wrong.

    Raises:
        ValueError: it is damaged, or of another version than 2.
    """
    text, binary = (data, None) if not data.startswith(_MAGIC) else _chunks(data)
    try:
        header = json.loads(decoded(bytes(text)))
    except (ValueError, RecursionError) as error:
        if bytes(text[:64]).lstrip()[:1] not in (b"{", b"["):
            raise ValueError("it is no glTF: it neither begins with the letters glTF, nor is it JSON text; export it as GLB") from error
        raise ValueError(f"its JSON text is damaged ({_first_line(error)})") from error
    if not isinstance(header, dict):
        raise ValueError("its JSON text is no object")
    asset = header.get("asset")
    version = str(asset.get("version", "2.0")) if isinstance(asset, dict) else "2.0"
    if not version.startswith("2."):
        raise ValueError(f"it is glTF {quoted(version)}, and only version 2 is read; export it as glTF 2.0")
    return GltfFile(header, binary, resolver)


def _chunks(data: bytes) -> tuple[memoryview, memoryview | None]:
    """The JSON text and the binary chunk of a GLB."""
    if len(data) < 20:
        raise ValueError(f"it ends after {len(data)} bytes, before its header does")
    version, length = struct.unpack_from("<2I", data, 4)
    if version != 2:
        raise ValueError(f"it is glTF {version}, and only version 2 is read; export it as glTF 2.0")
    if length > len(data):
        raise ValueError(f"it is cut off: its header declares {length} bytes, and {len(data)} are there")
    whole, position, found = memoryview(data)[:length], 12, dict[int, memoryview]()
    while position + 8 <= length:
        size, kind = struct.unpack_from("<2I", data, position)
        if position + 8 + size > length:
            raise ValueError(f"it is damaged: a chunk of {size} bytes at byte {position} goes on after the file's end")
        found.setdefault(kind, whole[position + 8 : position + 8 + size])
        position += 8 + size
    if _JSON not in found:
        raise ValueError("it has no JSON chunk")
    return found[_JSON], found.get(_BIN)


def is_count(value: Any) -> bool:
    """Whether a value is a whole number that is not negative; JSON's true is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def count_in(entry: dict[str, Any], key: str, owner: str, default: int | None = None) -> int:
    """A whole number, not negative, in an entry of the header."""
    value = entry.get(key, default)
    if value is None or not is_count(value):
        raise ValueError(f"{owner} has {key} {quoted(str(value))}, which is no whole number of 0 or more")
    return int(value)


def called(entry: dict[str, Any], kind: str, index: int) -> str:
    """What messages call an entry: by its name, or else by its number."""
    name = entry.get("name")
    return f"{kind} {quoted(name)}" if isinstance(name, str) and name else f"{kind} {index}"


def _shown(uri: Any) -> str:
    return "in the text" if isinstance(uri, str) and uri.startswith("data:") else quoted(str(uri))


def _first_line(error: BaseException) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error).split("\n", 1)[0][:100]
