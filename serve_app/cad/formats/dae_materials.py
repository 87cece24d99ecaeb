"""Turns COLLADA's effects into ``SurfaceMaterial``."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import numpy as np

from render_actor.contract.types import SurfaceMaterial, TextureSlot
from serve_app.cad.mesh.parts import part_name
from serve_app.cad.textures import TextureStore

_MAX_NAME = 60


def surface_from_effect(name: str, effect: Any, textures: TextureStore) -> SurfaceMaterial:
    """The look of an effect. Its numbers are taken as linear, as Blender and the OBJ reader take theirs.

    Args:
        name: of the material.
        effect: ``collada.material.Effect``.
        textures: decodes its images, which lie beside the CAD.
    """
    slots: dict[TextureSlot, int] = {}
    for slot, value in (("base_color", effect.diffuse), ("emission", effect.emission)):
        index = _texture(value, textures)
        if index is not None:
            slots[slot] = index  # type: ignore[index]
    shininess = _number(effect.shininess)
    return SurfaceMaterial(
        name=part_name(name)[:_MAX_NAME],
        base_color=_color(effect.diffuse, 0.8),
        alpha=_alpha(effect),
        specular=_specular(effect),
        roughness=0.5 if shininess is None or shininess <= 0 else min((2.0 / (2.0 + shininess)) ** 0.5, 1.0),
        emission=_color(effect.emission, 0.0),
        textures=slots,
    )


def _texture(value: Any, textures: TextureStore) -> int | None:
    image = getattr(getattr(getattr(value, "sampler", None), "surface", None), "image", None)
    path = getattr(image, "path", None)
    return textures.index_of(unquote(path.strip()).removeprefix("./")) if path else None


def _color(value: Any, default: float) -> tuple[float, float, float]:
    """Of a colour; the default of an image, which goes before it, and of what is none."""
    if not isinstance(value, tuple | list | np.ndarray) or len(value) < 3:
        return default, default, default
    red, green, blue = (float(np.clip(np.nan_to_num(float(channel)), 0.0, 1.0)) for channel in value[:3])
    return red, green, blue


def _specular(effect: Any) -> float:
    """Of a plastic where the effect has highlights, of whatever strength, and none where it has none: as Blender takes it."""
    if effect.shadingtype not in ("phong", "blinn") or effect.specular is None:
        return 0.0
    return 0.5 if any(_color(effect.specular, 1.0)) else 0.0


def _alpha(effect: Any) -> float:
    """Opacity, which exporters write in two ways and often the wrong one: what would not be seen at all is taken as opaque."""
    transparency, transparent = _number(effect.transparency), effect.transparent
    if transparency is None or not isinstance(transparent, tuple | list) or len(transparent) < 4:
        return 1.0
    if effect.opaque_mode == "RGB_ZERO":
        red, green, blue = _color(transparent, 0.0)
        alpha = 1.0 - transparency * (0.2126 * red + 0.7152 * green + 0.0722 * blue)
    else:
        alpha = transparency * float(transparent[3])
    return min(alpha, 1.0) if np.isfinite(alpha) and alpha > 0 else 1.0


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None
