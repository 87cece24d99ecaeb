"""Reads .mtl text, and turns its materials into ``SurfaceMaterial`` as Blender's own OBJ import does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from render_actor.contract.types import SurfaceMaterial, TextureSlot
from serve_app.cad.text.encoding import decoded
from serve_app.cad.textures import TextureStore

_MAX_NAME = 60
"""Characters of a material's name; Blender keeps 63 bytes."""

_MAPS: dict[str, TextureSlot] = {
    "map_kd": "base_color",
    "map_ks": "specular",
    "map_ns": "roughness",
    "map_ke": "emission",
    "map_d": "alpha",
    "map_bump": "bump",
    "bump": "bump",
    "norm": "bump",
}
_OPTION_VALUES = {"-o": 3, "-s": 3, "-t": 3, "-mm": 2}
_ILLUM_HIGHLIGHT = (2,)


def parse_mtl(data: bytes) -> dict[str, dict[str, list[str]]]:
    """Statements of an .mtl file.

    Returns:
        For each material, by name, the words after each keyword (in lower case).
    """
    materials: dict[str, dict[str, list[str]]] = {}
    current: dict[str, list[str]] = {}
    for line in decoded(data).splitlines():
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        if words[0].lower() == "newmtl":
            current = materials.setdefault(" ".join(words[1:]), {})
        else:
            current[words[0].lower()] = words[1:]
    return materials


def texture_name(words: Iterable[str]) -> str:
    """File name in a ``map_*`` statement, its options (``-bm 0.3``, ``-s 1 1 1``) left out."""
    rest = list(words)
    while rest and rest[0].startswith("-") and len(rest) > 1:
        count = _OPTION_VALUES.get(rest[0], 1)
        rest = rest[1:]
        taken = 0
        while taken < count and len(rest) > 1 and (taken == 0 or _is_number(rest[0])):
            rest, taken = rest[1:], taken + 1
    return " ".join(rest)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _colour(value: Any, default: tuple[float, float, float]) -> tuple[float, float, float]:
    numbers = [value] if isinstance(value, int | float) else list(value or ())
    try:
        floats = [float(number) for number in numbers]
    except (ValueError, OverflowError):
        return default
    if len(floats) == 1:
        floats *= 3
    if len(floats) < 3 or not np.isfinite(floats[:3]).all():
        return default
    red, green, blue = (min(max(number, 0.0), 1.0) for number in floats[:3])
    return red, green, blue


def _number(value: Any, default: float) -> float:
    words = value if isinstance(value, list | tuple) else [value]
    try:
        number = float(words[0])
    except (TypeError, ValueError, IndexError):
        return default
    return number if np.isfinite(number) else default


def surface_from_mtl(name: str, statements: dict[str, Any], textures: TextureStore) -> SurfaceMaterial:
    """A material of an .mtl file.

    Args:
        name: after ``newmtl``; shortened, without what cannot be printed.
        statements: values by lower-case keyword (``kd``, ``ns``, ``map_ks``, ...).
        textures: decodes the maps.

    Returns:
        Specular is the mean of Ks, roughness 1 - sqrt(Ns / 1000): the mapping that Blender's importer documents.
    """
    highlight = int(_number(statements.get("illum"), -1)) in _ILLUM_HIGHLIGHT
    roughness = 0.0 if highlight else 1.0
    if "ns" in statements:
        roughness = 1.0 - (min(max(_number(statements["ns"], 0.0), 0.0), 1000.0) / 1000.0) ** 0.5
    if "pr" in statements:
        roughness = min(max(_number(statements["pr"], roughness), 0.0), 1.0)
    specular = sum(_colour(statements["ks"], (0.0, 0.0, 0.0))) / 3 if "ks" in statements else (1.0 if highlight else 0.0)
    alpha = _number(statements.get("d"), 1.0)  # Tr is ignored: exporters disagree on which end of it is opaque.

    slots: dict[TextureSlot, int] = {}
    bump_strength = 1.0
    for keyword, slot in _MAPS.items():
        if keyword in statements:
            index = textures.index_of(texture_name(statements[keyword]))
            if index is not None:
                slots[slot] = index
            if slot == "bump" and "-bm" in statements[keyword]:
                bump_strength = _number(statements[keyword][statements[keyword].index("-bm") + 1 :], 1.0)
    return SurfaceMaterial(
        name="".join(character for character in name[:_MAX_NAME] if character.isprintable()),
        base_color=_colour(statements.get("kd"), (0.8, 0.8, 0.8)),
        alpha=min(max(alpha, 0.0), 1.0),
        roughness=roughness,
        specular=min(max(specular, 0.0), 1.0),
        emission=_colour(statements.get("ke"), (0.0, 0.0, 0.0)),
        textures=slots,
        bump_strength=bump_strength,
    )
