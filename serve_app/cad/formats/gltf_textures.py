"""Finds the images of a glTF file, and how they lie on a surface."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import TextureSlot, Wrap
from serve_app.cad.formats.gltf_extensions import extension_of
from serve_app.cad.formats.gltf_file import GltfFile, is_count
from serve_app.cad.formats.gltf_numbers import number_of, numbers_of
from serve_app.cad.refusals import quoted
from serve_app.cad.textures import TextureStore, Variant

_FORMATS = ("PNG", "JPEG", "WEBP")
_WRAPS: dict[int, Wrap] = {10497: "repeat", 33071: "clamp", 33648: "mirror"}
_WEBP = "EXT_texture_webp"


@dataclass(frozen=True)
class TextureInfo:
    """An image in a slot of a material.

    Attributes:
        slot: of the surface.
        image: its number in the file.
        uv_set: number of its set of texture coordinates.
        uv_transform: (3, 3) that these go through, from the upper left of the image, or None.
        wrap: what is seen beyond its edges.
        scale: of a normal map.
    """

    slot: TextureSlot
    image: int
    uv_set: int
    uv_transform: NDArray[np.float64] | None
    wrap: Wrap
    scale: float = 1.0

    def lies_as(self, other: TextureInfo) -> bool:
        """Whether both are at the same places of the surface."""
        ours, theirs = (np.eye(3) if info.uv_transform is None else info.uv_transform for info in (self, other))
        return self.uv_set == other.uv_set and np.array_equal(ours, theirs)


class GltfTextures:
    """The images of a file; each is decoded once, when a material wants it.

    Args:
        gltf: the file.
        store: decodes images, and gathers warnings.
    """

    def __init__(self, gltf: GltfFile, store: TextureStore) -> None:
        self._gltf, self._store = gltf, store

    def warn(self, message: str) -> None:
        """Say what is left out."""
        self._store.warnings.append(message)

    def info(self, entry: dict[str, Any], key: str, slot: TextureSlot, owner: str) -> TextureInfo | None:
        """The image that an entry names by a key, or None where it names none, or has a texture without image."""
        listed = entry.get(key)
        if not isinstance(listed, dict):
            return None
        texture = self._gltf.entry("textures", listed.get("index"), f"{key} of {owner}")
        webp = extension_of(texture, _WEBP)
        image = webp.get("source") if webp is not None else texture.get("source")
        if image is None:
            others = [quoted(name) for name in texture["extensions"]] if isinstance(texture.get("extensions"), dict) else []
            said = f", only one by {' and '.join(others[:3])}" if others else ""
            self.warn(f"{owner}: its {key} has no PNG, JPEG or WebP image{said}; rendered without it")
            return None
        self._gltf.entry("images", image, f"texture {listed['index']}")
        uv_set, transform = listed.get("texCoord", 0), None
        moved = extension_of(listed, "KHR_texture_transform")
        if moved is not None:
            uv_set, transform = moved.get("texCoord", uv_set), _uv_transform(moved, f"{key} of {owner}")
        if not is_count(uv_set):
            raise ValueError(f"{key} of {owner} has texCoord {quoted(str(uv_set))}, which is no whole number of 0 or more")
        scale = number_of(listed, "scale", 1.0, f"{key} of {owner}")
        return TextureInfo(slot, image, uv_set, transform, self._wrap(texture, listed["index"], f"{key} of {owner}"), scale)

    def _wrap(self, texture: dict[str, Any], number: int, owner: str) -> Wrap:
        if "sampler" not in texture:
            return "repeat"
        sampler = self._gltf.entry("samplers", texture["sampler"], f"texture {number}")
        across, down = (_wrap(sampler.get(key)) for key in ("wrapS", "wrapT"))
        if across != down:
            self.warn(f"{owner} wraps its image otherwise across than down: both as across, {across}")
        return across

    def index_of(self, info: TextureInfo, variant: Variant, owner: str) -> int | None:
        """Index of a variant of an image among the CAD's textures, or None when it is not to be had."""
        image = self._gltf.entries("images")[info.image]

        def data() -> bytes:
            if "bufferView" in image:
                return bytes(self._gltf.view(image["bufferView"], f"image {info.image}"))
            return self._gltf.read(image.get("uri"))

        uri, name = image.get("uri"), image.get("name")
        said = uri if isinstance(uri, str) and not uri.startswith("data:") else name if isinstance(name, str) else ""
        return self._store.index_of_embedded(f"image {info.image}" + (f" ({said})" if said else ""), variant, data, _FORMATS)


def _wrap(mode: Any) -> Wrap:
    return _WRAPS.get(mode, "repeat") if is_count(mode) else "repeat"


def _uv_transform(moved: dict[str, Any], owner: str) -> NDArray[np.float64]:
    """Scale, then rotation, then offset, as KHR_texture_transform has them."""
    offset_u, offset_v = numbers_of(moved, "offset", (0.0, 0.0), owner)
    scale_u, scale_v = numbers_of(moved, "scale", (1.0, 1.0), owner)
    angle = number_of(moved, "rotation", 0.0, owner)
    cosine, sine = math.cos(angle), math.sin(angle)
    rotation = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    moves = np.array([[1.0, 0.0, offset_u], [0.0, 1.0, offset_v], [0.0, 0.0, 1.0]])
    return np.asarray(moves @ rotation @ np.diag([scale_u, scale_v, 1.0]))
