"""The textures of 3MF objects: images in the package, and which triangles show what of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import SurfaceMaterial, Wrap
from serve_app.cad.formats.threemf_model import Model, ModelObject
from serve_app.cad.formats.zip_parts import ZipParts
from serve_app.cad.limits import MAX_MATERIALS
from serve_app.cad.refusals import too_large
from serve_app.cad.textures import TextureStore

_WRAPS: dict[str, Wrap] = {"mirror": "mirror", "clamp": "clamp", "none": "clamp"}
_GROUP = "texture2dgroup"


@dataclass(frozen=True)
class Textured:
    """Triangles of an object that show an image.

    Attributes:
        triangles: (T,) their numbers.
        uv: (T, 3, 2) float32, origin at the lower left of the image.
        material: with the image.
    """

    triangles: NDArray[np.int64]
    uv: NDArray[np.float32]
    material: SurfaceMaterial


class TextureBook:
    """Gives objects their textures.

    Args:
        models: by path.
        parts: the package, in which the images lie.
        store: decodes them, and gathers warnings.
    """

    def __init__(self, models: Mapping[str, Model], parts: ZipParts, store: TextureStore) -> None:
        self._models, self._parts, self._store = models, parts, store
        self._materials = dict[tuple[str, str], SurfaceMaterial | None]()

    def textured(self, made: ModelObject, path: str, inherited: tuple[str, str, int] | None) -> list[Textured]:
        """What of an object shows images: for each group of texture coordinates, its triangles.

        Args:
            made: the object.
            path: of its model.
            inherited: path, group and number of what its triangles have without properties of their own.
        """
        if not any(_GROUP in model.groups.values() for model in self._models.values()):
            return []
        chosen = dict[tuple[str, str], tuple[list[int], list[tuple[int, ...]]]]()
        if inherited is not None and self._is_texture(inherited[:2]):
            rest = sorted(set(range(len(made.triangles))) - made.properties.keys())
            chosen[inherited[:2]] = rest, [(inherited[2],) * 3] * len(rest)
        for triangle, (group, *numbers) in made.properties.items():
            where = (path, group) if group is not None else inherited[:2] if inherited else None
            if where is not None and triangle < len(made.triangles) and self._is_texture(where):
                triangles, corners = chosen.setdefault(where, ([], []))
                triangles.append(triangle)
                corners.append(tuple(numbers))
        found = [self._shown(where, np.array(triangles, dtype=np.int64), corners) for where, (triangles, corners) in chosen.items()]
        return [one for one in found if one is not None]

    def _is_texture(self, where: tuple[str, str]) -> bool:
        model = self._models.get(where[0])
        return model is not None and model.groups.get(where[1]) == _GROUP

    def _shown(self, where: tuple[str, str], triangles: NDArray[np.int64], corners: list[tuple[int, ...]]) -> Textured | None:
        material = self._material(where)
        coordinates = self._models[where[0]].coordinates.get(where[1], [])
        if material is None or not len(triangles) or not coordinates:
            return None
        places = np.array(corners, dtype=np.int64)
        if places.min() < 0 or places.max() >= len(coordinates):
            raise ValueError(f"its triangles refer to texture coordinates it does not have: it has {len(coordinates)}; save it anew")
        return Textured(triangles, np.nan_to_num(np.clip(np.array(coordinates), -1e6, 1e6)).astype(np.float32)[places], material)

    def _material(self, where: tuple[str, str]) -> SurfaceMaterial | None:
        """One for each group; None where its image is not to be had."""
        if where not in self._materials:
            if len(self._materials) >= MAX_MATERIALS:
                too_large(f"it uses more than {MAX_MATERIALS} groups of textures; merge them")
            model = self._models[where[0]]
            image = model.images.get(model.image_of.get(where[1], ""))
            self._materials[where] = None
            if image is None:
                self._store.warnings.append("a texture of the 3MF file names no image that is in it: rendered without")
            elif (index := self._store.index_of_embedded(image.path, "color", lambda: self._parts.read(image.path))) is not None:
                self._materials[where] = SurfaceMaterial("texture", textures={"base_color": index}, wrap=_WRAPS.get(image.tile, "repeat"))
        return self._materials[where]
