"""Writes a mesh as GLB in millimetres, to look at it in a browser: a node a part, base colours, vertex colours, textures."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from render_actor.contract.types import CadMesh, SurfaceMaterial

_UINT16, _UINT32, _FLOAT = 5123, 5125, 5126
_MAX_TEXTURE = 1024
"""Pixels along an edge of a texture."""

_ALIGNED = 4


@dataclass(frozen=True)
class PartFaces:
    """Some faces of one part.

    Attributes:
        name: of the part; empty for none.
        faces: (N,) indices of faces.
    """

    name: str
    faces: NDArray[np.int64]


def glb_in_mm(mesh: CadMesh, mm: float, parts: Sequence[PartFaces], extras: dict[str, Any] | None = None) -> bytes:
    """A mesh as GLB, in the CAD's own frame and axes; its unit is the millimetre, unlike glTF's.

    Args:
        mesh: in the file's unit.
        mm: millimetres in one of that.
        parts: each becomes a node with its name, in this order.
        extras: values for the application, in the file's ``asset.extras``.
    """
    return _Writer(mesh, mm).written(parts, extras or {})


class _Writer:
    def __init__(self, mesh: CadMesh, mm: float) -> None:
        self._mesh, self._mm = mesh, mm
        self._chunk = bytearray()
        self._views: list[dict[str, Any]] = []
        self._accessors: list[dict[str, Any]] = []
        self._images: list[dict[str, Any]] = []
        self._textures: list[dict[str, Any]] = []
        self._samplers: list[dict[str, Any]] = []
        self._texture_of: dict[tuple[int, str], int] = {}
        self._colors = None if mesh.vertex_colors is None else _linear(mesh.vertex_colors)

    def written(self, parts: Sequence[PartFaces], extras: dict[str, Any]) -> bytes:
        mesh = self._mesh
        materials = [self._material(material) for material in mesh.materials]
        nodes, meshes = list[dict[str, Any]](), list[dict[str, Any]]()
        for part in parts:
            if len(part.faces):
                primitives = [self._primitive(faces, material) for material, faces in _by_material(mesh, part.faces)]
                nodes.append({"name": part.name or "part", "mesh": len(meshes)})
                meshes.append({"name": part.name or "part", "primitives": primitives})
        document: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "render-server", "extras": {"unit": "mm", **extras}},
            "scene": 0,
            "scenes": [{"nodes": list(range(len(nodes)))}],
            "nodes": nodes,
            "meshes": meshes,
            "materials": materials,
            "accessors": self._accessors,
            "bufferViews": self._views,
            "buffers": [{"byteLength": len(self._chunk)}],
        }
        if self._textures:
            document |= {"images": self._images, "textures": self._textures, "samplers": self._samplers}
        if any("KHR_materials_unlit" in material.get("extensions", {}) for material in materials):
            document["extensionsUsed"] = ["KHR_materials_unlit"]
        return _glb(document, bytes(self._chunk))

    def _material(self, material: SurfaceMaterial) -> dict[str, Any]:
        slot = material.textures.get("base_color")
        # A texture goes before the base colour, unless they multiply each other, as glTF has it.
        white = slot is not None and not material.multiplied
        surface: dict[str, Any] = {
            "baseColorFactor": [*((1.0, 1.0, 1.0) if white else map(float, material.base_color)), float(material.alpha)],
            "metallicFactor": float(material.metallic),
            "roughnessFactor": float(material.roughness),
        }
        if slot is not None and self._mesh.corner_uv is not None:
            surface["baseColorTexture"] = {"index": self._texture(slot, material.wrap)}
        written: dict[str, Any] = {"name": material.name, "pbrMetallicRoughness": surface, "doubleSided": True}
        if any(material.emission):
            written["emissiveFactor"] = [min(1.0, float(channel)) for channel in material.emission]
        if material.alpha_cutoff is not None:
            written |= {"alphaMode": "MASK", "alphaCutoff": float(material.alpha_cutoff)}
        elif material.alpha < 1:
            written["alphaMode"] = "BLEND"
        if material.unlit:
            written["extensions"] = {"KHR_materials_unlit": {}}
        return written

    def _texture(self, index: int, wrap: str) -> int:
        key = (index, wrap)
        if key not in self._texture_of:
            mode = {"repeat": 10497, "clamp": 33071, "mirror": 33648}[wrap]
            kind, data = _encoded(self._mesh.textures[index])
            self._images.append({"mimeType": kind, "bufferView": self._view(data)})
            self._samplers.append({"wrapS": mode, "wrapT": mode})
            self._textures.append({"source": len(self._images) - 1, "sampler": len(self._samplers) - 1})
            self._texture_of[key] = len(self._textures) - 1
        return self._texture_of[key]

    def _primitive(self, faces: NDArray[np.int64], material: int) -> dict[str, Any]:
        mesh = self._mesh
        normals = None if mesh.corner_normals is None else mesh.corner_normals[faces].reshape(-1, 3)
        textured = "base_color" in mesh.materials[material].textures and mesh.corner_uv is not None
        uv = mesh.corner_uv[faces].reshape(-1, 2) if textured and mesh.corner_uv is not None else None
        corners = mesh.faces[faces].reshape(-1).astype(np.int64)
        first, index = _distinct(corners, normals, uv)
        source = corners[first]
        positions = (mesh.vertices[source] * self._mm).astype(np.float32)
        attributes = {"POSITION": self._accessor(positions, "VEC3", _FLOAT, bounds=True)}
        if normals is not None:
            attributes["NORMAL"] = self._accessor(_unit(normals[first]), "VEC3", _FLOAT)
        if uv is not None:
            attributes["TEXCOORD_0"] = self._accessor((uv[first] * (1, -1) + (0, 1)).astype(np.float32), "VEC2", _FLOAT)
        elif self._colors is not None:
            attributes["COLOR_0"] = self._accessor(self._colors[source], "VEC4", _UINT16, normalized=True)
        return {"attributes": attributes, "indices": self._accessor(index.astype(np.uint32), "SCALAR", _UINT32), "material": material}

    def _accessor(self, values: NDArray[Any], kind: str, component: int, *, normalized: bool = False, bounds: bool = False) -> int:
        accessor: dict[str, Any] = {
            "bufferView": self._view(np.ascontiguousarray(values).tobytes()),
            "componentType": component,
            "count": len(values),
            "type": kind,
        }
        if normalized:
            accessor["normalized"] = True
        if bounds:
            accessor |= {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}
        self._accessors.append(accessor)
        return len(self._accessors) - 1

    def _view(self, data: bytes) -> int:
        self._views.append({"buffer": 0, "byteOffset": len(self._chunk), "byteLength": len(data)})
        self._chunk += data + bytes(-len(data) % _ALIGNED)
        return len(self._views) - 1


def _by_material(mesh: CadMesh, faces: NDArray[np.int64]) -> list[tuple[int, NDArray[np.int64]]]:
    used = mesh.face_materials[faces]
    return [(int(material), faces[used == material]) for material in np.unique(used)]


def _distinct(
    corners: NDArray[np.int64], normals: NDArray[np.float32] | None, uv: NDArray[np.float32] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Corners that are one vertex in all that is written of them: (N,) the first of each, and (C,) which each corner is."""
    keys = corners
    if normals is not None:
        steps = np.clip(np.nan_to_num(normals) * 127 + 127.5, 0, 255).astype(np.int64)
        keys = (keys << 24) | (steps[:, 0] << 16) | (steps[:, 1] << 8) | steps[:, 2]
    if uv is None:
        _, first, index = np.unique(keys, return_index=True, return_inverse=True)
        return first, index.reshape(-1)
    rows = np.stack([keys, np.ascontiguousarray(uv).view(np.int64).reshape(-1)], axis=1)
    _, first, index = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return first, index.reshape(-1)


def _unit(normals: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(lengths > 0, normals / np.where(lengths > 0, lengths, 1), np.array((0, 0, 1), np.float32)).astype(np.float32)


def _linear(colors: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """SRGB bytes as linear values of 16 bits; alpha as it is."""
    channel = np.arange(256) / 255
    table = np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)
    linear = np.round(table * 65535).astype(np.uint16)[colors]
    linear[:, 3] = colors[:, 3].astype(np.uint16) * 257
    return linear


def _encoded(pixels: NDArray[np.uint8]) -> tuple[str, bytes]:
    """An image as a file that browsers read, and its kind: JPEG where it is opaque."""
    image, opaque = Image.fromarray(pixels, "RGBA"), bool(pixels[..., 3].min() == 255)
    image.thumbnail((_MAX_TEXTURE, _MAX_TEXTURE))
    stream = io.BytesIO()
    if opaque:
        image.convert("RGB").save(stream, "JPEG", quality=88)
    else:
        image.save(stream, "PNG")
    return ("image/jpeg" if opaque else "image/png"), stream.getvalue()


def _glb(document: dict[str, Any], chunk: bytes) -> bytes:
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNED)
    size = 12 + 8 + len(text) + 8 + len(chunk)
    return b"".join(
        [
            struct.pack("<4sII", b"glTF", 2, size),
            struct.pack("<I4s", len(text), b"JSON"),
            text,
            struct.pack("<I4s", len(chunk), b"BIN\0"),
            chunk,
        ]
    )
