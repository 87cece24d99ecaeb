"""Turns the materials of a glTF file into ``SurfaceMaterial``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import SurfaceMaterial, TextureSlot
from serve_app.cad.formats.gltf_extensions import extension_of
from serve_app.cad.formats.gltf_file import GltfFile, called
from serve_app.cad.formats.gltf_numbers import clamped, color_of, number_of
from serve_app.cad.formats.gltf_textures import GltfTextures, TextureInfo
from serve_app.cad.refusals import quoted

_MAX_NAME = 60
_READ_LOOKS = (
    *("KHR_materials_unlit", "KHR_materials_emissive_strength", "KHR_materials_pbrSpecularGlossiness"),
    *("KHR_materials_specular", "KHR_materials_ior", "KHR_materials_variants"),
)
_WHITE, _BLACK = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
_PLAIN_IOR = 1.5
"""At which Principled's specular level of 0.5 is glTF's specular factor of 1."""


@dataclass(frozen=True)
class GltfLook:
    """How a primitive looks.

    Attributes:
        material: its surface.
        uv_set: the set of texture coordinates that its images use.
        uv_transform: (3, 3) that its texture coordinates go through, from the upper left of the image, or None.
        sees_alpha: whether the alpha of vertex colours would be seen.
    """

    material: SurfaceMaterial
    uv_set: int = 0
    uv_transform: NDArray[np.float64] | None = None
    sees_alpha: bool = False


UNSAID = GltfLook(SurfaceMaterial(multiplied=True))
"""Of a primitive without material: the neutral grey of all CADs without looks. glTF's own default, a rough white metal, serves nobody."""

COLORED = GltfLook(SurfaceMaterial(base_color=_WHITE, multiplied=True))
"""Of a primitive with vertex colours and without material."""


def gltf_look(gltf: GltfFile, number: int, images: GltfTextures) -> GltfLook:
    """The look of a material, by its number in the file.

    Raises:
        ValueError: it holds what is no number where a number must be.
    """
    entry = gltf.entries("materials")[number]
    what = called(entry, "material", number)
    for name in entry["extensions"] if isinstance(entry.get("extensions"), dict) else ():
        if name.startswith("KHR_materials_") and name not in _READ_LOOKS:
            images.warn(f"{what}: {quoted(name)} is left out")
    return _unlit(entry, what, images) if extension_of(entry, "KHR_materials_unlit") is not None else _lit(entry, what, images)


def _lit(entry: dict[str, Any], what: str, images: GltfTextures) -> GltfLook:
    factors, glossy = _section(entry, "pbrMetallicRoughness"), extension_of(entry, "KHR_materials_pbrSpecularGlossiness")
    emission = np.array(color_of(entry, "emissiveFactor", _BLACK, what))
    emission = emission * number_of(extension_of(entry, "KHR_materials_emissive_strength") or {}, "emissiveStrength", 1.0, what)
    wanted = [
        images.info(factors, "baseColorTexture", "base_color", what),
        images.info(factors, "metallicRoughnessTexture", "metallic_roughness", what),
        images.info(entry, "normalTexture", "normal", what),
        images.info(entry, "emissiveTexture", "emission", what) if emission.any() else None,
    ]
    if glossy is not None:
        wanted[:2] = [images.info(glossy, "diffuseTexture", "base_color", what), None]
        base, alpha = _factor(glossy, "diffuseFactor", what)
        metallic, roughness = 0.0, 1.0 - clamped(number_of(glossy, "glossinessFactor", 1.0, what))
        specular = min(max(color_of(glossy, "specularFactor", _WHITE, what)) / 0.08, 1.0)
        if "specularGlossinessTexture" in glossy:
            images.warn(f"{what}: its specular-glossiness texture is left out; export it with metallic and roughness")
    else:
        base, alpha = _factor(factors, "baseColorFactor", what)
        metallic, roughness = (clamped(number_of(factors, key, 1.0, what)) for key in ("metallicFactor", "roughnessFactor"))
        specular = _specular(entry, what)
    infos = [info for info in wanted if info is not None]
    textures, first = _textures(infos, what, images)
    alpha, cutoff = _alpha(entry, alpha, first, textures, what, images)
    scale = next((info.scale for info in infos if info.slot == "normal"), 1.0)
    material = SurfaceMaterial(
        name=_name(entry),
        base_color=base,
        alpha=alpha,
        roughness=roughness,
        specular=specular,
        emission=(float(emission[0]), float(emission[1]), float(emission[2])),
        textures=textures,
        bump_strength=scale,
        metallic=metallic,
        multiplied=True,
        alpha_cutoff=cutoff,
        wrap="repeat" if first is None else first.wrap,
    )
    return _look(material, first, entry)


def _unlit(entry: dict[str, Any], what: str, images: GltfTextures) -> GltfLook:
    factors = _section(entry, "pbrMetallicRoughness")
    base, alpha = _factor(factors, "baseColorFactor", what)
    info = images.info(factors, "baseColorTexture", "base_color", what)
    textures, first = _textures([] if info is None else [info], what, images)
    alpha, cutoff = _alpha(entry, alpha, first, textures, what, images)
    wrap = "repeat" if first is None else first.wrap
    material = SurfaceMaterial(
        name=_name(entry),
        base_color=base,
        alpha=alpha,
        textures=textures,
        multiplied=True,
        alpha_cutoff=cutoff,
        unlit=True,
        wrap=wrap,
    )
    return _look(material, first, entry)


def _look(material: SurfaceMaterial, first: TextureInfo | None, entry: dict[str, Any]) -> GltfLook:
    sees_alpha = entry.get("alphaMode", "OPAQUE") != "OPAQUE"
    return GltfLook(material, *((0, None) if first is None else (first.uv_set, first.uv_transform)), sees_alpha)


def _textures(infos: list[TextureInfo], what: str, images: GltfTextures) -> tuple[dict[TextureSlot, int], TextureInfo | None]:
    """The images of a material's slots, and how the first of them lies; a mesh has room for one set of texture coordinates."""
    found: dict[TextureSlot, int] = {}
    first: TextureInfo | None = None
    for info in infos:
        if first is not None and not info.lies_as(first):
            images.warn(
                f"{what}: its {info.slot.replace('_', ' ')} texture is left out, since its texture coordinates are others than those of "
                f"its {first.slot.replace('_', ' ')} texture; bake them to one set"
            )
            continue
        index = images.index_of(info, "color", what)
        if index is None:
            continue
        found[info.slot] = index
        first = first or info
        if info.wrap != first.wrap:
            images.warn(f"{what}: beyond its edges its {info.slot.replace('_', ' ')} texture goes on as the other one, by {first.wrap}")
    return found, first


def _alpha(
    entry: dict[str, Any],
    factor: float,
    first: TextureInfo | None,
    textures: dict[TextureSlot, int],
    what: str,
    images: GltfTextures,
) -> tuple[float, float | None]:
    """Opacity and cutoff; the alpha channel of the base colour texture becomes an image of its own."""
    mode = entry.get("alphaMode", "OPAQUE")
    if mode not in ("MASK", "BLEND"):
        return 1.0, None
    cutoff = number_of(entry, "alphaCutoff", 0.5, what) if mode == "MASK" else None
    if cutoff is not None and cutoff <= 0.0:
        return 1.0, None
    index = images.index_of(first, "alpha", what) if first is not None and first.slot == "base_color" else None
    if index is not None:
        textures["alpha"] = index
        return factor, cutoff
    return (factor if cutoff is None else float(factor >= cutoff)), None


def _factor(entry: dict[str, Any], key: str, what: str) -> tuple[tuple[float, float, float], float]:
    """Linear colour and opacity, 0..1."""
    values = entry.get(key, (1.0, 1.0, 1.0, 1.0))
    if not isinstance(values, list | tuple) or len(values) != 4:
        raise ValueError(f"{what} has a {key} that is not 4 numbers")
    red, green, blue, alpha = (clamped(number_of({key: value}, key, 1.0, what)) for value in values)
    return (red, green, blue), alpha


def _specular(entry: dict[str, Any], what: str) -> float:
    """Principled's specular level: what of the light a surface reflects that is seen from straight above, at most twice glTF's 4 %."""
    factor = clamped(number_of(extension_of(entry, "KHR_materials_specular") or {}, "specularFactor", 1.0, what))
    ior = max(number_of(extension_of(entry, "KHR_materials_ior") or {}, "ior", _PLAIN_IOR, what), 1.0)
    reflected, plain = (((index - 1) / (index + 1)) ** 2 for index in (ior, _PLAIN_IOR))
    return clamped(0.5 * factor * reflected / plain)


def _section(entry: dict[str, Any], key: str) -> dict[str, Any]:
    found = entry.get(key, {})
    return found if isinstance(found, dict) else {}


def _name(entry: dict[str, Any]) -> str:
    name = entry.get("name")
    return "".join(letter for letter in name[:_MAX_NAME] if letter.isprintable()) if isinstance(name, str) and name else "material"
