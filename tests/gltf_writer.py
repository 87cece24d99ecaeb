"""Writes glTF files part by part, as tests want them: as the format says, or with one thing changed."""

from __future__ import annotations

import base64
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import ArrayLike, NDArray
from PIL import Image

_COMPONENTS = {"int8": 5120, "uint8": 5121, "int16": 5122, "uint16": 5123, "uint32": 5125, "float32": 5126}
_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}


def png(pixels: NDArray[np.uint8]) -> bytes:
    """An image file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


class GltfWriter:
    """A glTF file that grows; ``header`` may be changed at will.

    Each method that adds something returns its number.
    """

    def __init__(self) -> None:
        self.header: dict[str, Any] = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": []}]}
        self.data = b""

    def add(self, kind: str, entry: dict[str, Any]) -> int:
        """Add an entry of any kind."""
        self.header.setdefault(kind, []).append(entry)
        return len(self.header[kind]) - 1

    def view(self, data: bytes) -> int:
        """Add bytes."""
        self.data += bytes(-len(self.data) % 4)
        start, self.data = len(self.data), self.data + data
        return self.add("bufferViews", {"buffer": 0, "byteOffset": start, "byteLength": len(data)})

    def accessor(self, values: ArrayLike, kind: str = "float32", **more: Any) -> int:
        """Add an array (N,) or (N, 2..4)."""
        array = np.ascontiguousarray(values, dtype=kind)
        rows = array.reshape(len(array), -1)
        entry = {"bufferView": self.view(array.tobytes()), "componentType": _COMPONENTS[kind], "count": len(rows)}
        return self.add("accessors", entry | {"type": _TYPES[rows.shape[1]]} | more)

    def texture(self, image: bytes | str, **sampler: int) -> int:
        """Add an image, by its file's bytes or its URI, and a texture of it."""
        entry: dict[str, Any] = {"uri": image} if isinstance(image, str) else {"bufferView": self.view(image), "mimeType": "image/png"}
        texture = {"source": self.add("images", entry)}
        if sampler:
            texture["sampler"] = self.add("samplers", sampler)
        return self.add("textures", texture)

    def material(self, **entry: Any) -> int:
        """Add a material; ``factors`` go into its ``pbrMetallicRoughness``."""
        factors = entry.pop("factors", None)
        return self.add("materials", entry if factors is None else {"pbrMetallicRoughness": factors, **entry})

    def primitive(self, vertices: ArrayLike, faces: ArrayLike | None, material: int | None = None, **attributes: int) -> dict[str, Any]:
        """Triangles; other attributes than the position by their accessors."""
        low_high = {"min": np.min(vertices, axis=0).tolist(), "max": np.max(vertices, axis=0).tolist()}
        entry: dict[str, Any] = {"attributes": {"POSITION": self.accessor(vertices, **low_high), **attributes}}
        if faces is not None:
            entry["indices"] = self.accessor(np.ravel(faces), "uint32")
        if material is not None:
            entry["material"] = material
        return entry

    def mesh(self, *primitives: dict[str, Any], **more: Any) -> int:
        """Add a mesh."""
        return self.add("meshes", {"primitives": list(primitives), **more})

    def node(self, *, root: bool = True, **entry: Any) -> int:
        """Add a node, to the scene where it is a root."""
        number = self.add("nodes", entry)
        if root:
            self.header["scenes"][0]["nodes"].append(number)
        return number

    def glb(self) -> bytes:
        """The file, binary."""
        data = self.data + bytes(-len(self.data) % 4)
        header = {**self.header, "buffers": [{"byteLength": len(data)}]} if "buffers" not in self.header else self.header
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 4)
        body = struct.pack("<2I", len(text), 0x4E4F534A) + text + struct.pack("<2I", len(data), 0x004E4942) + data
        return struct.pack("<4s2I", b"glTF", 2, 12 + len(body)) + body

    def gltf(self, buffer: str | None = None) -> bytes:
        """The file as text; its bytes stand in it, or in a file of the name ``buffer``, which holds ``data``."""
        uri = buffer or "data:application/octet-stream;base64," + base64.b64encode(self.data).decode()
        return json.dumps({**self.header, "buffers": [{"byteLength": len(self.data), "uri": uri}]}).encode()

    def write(self, path: Path) -> Path:
        """Write the file, binary, or as text with a buffer beside it."""
        if path.suffix == ".glb":
            path.write_bytes(self.glb())
        else:
            path.write_bytes(self.gltf("buffer 0.bin"))
            (path.parent / "buffer 0.bin").write_bytes(self.data)
        return path


def simple(mesh: trimesh.Trimesh) -> GltfWriter:
    """One mesh, as it is."""
    writer = GltfWriter()
    writer.node(mesh=writer.mesh(writer.primitive(mesh.vertices, mesh.faces)))
    return writer
