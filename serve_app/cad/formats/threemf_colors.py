"""The colours of 3MF objects: a material for each, or, where they change along a triangle, colours of its corners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import SurfaceMaterial
from serve_app.cad.formats.threemf_model import Model, ModelObject
from serve_app.cad.formats.threemf_textures import TextureBook
from serve_app.cad.mesh.srgb import linear
from serve_app.cad.mesh.submesh import Submesh

Color = tuple[str, str, int]
"""Path of a model, and in it the group and the number of a colour."""

MAX_MATERIALS = 256
"""Colours that become materials; more are colours of corners."""

_GREY = (231, 231, 231, 255)
"""sRGB of the grey that a surface without a colour has."""

_PLAIN = SurfaceMaterial()


class ColorBook:
    """Gives objects their colours.

    Vertex colours take the place of every material's in a mesh, so that either all objects have them or none.

    Args:
        models: by path.
        used: which objects are wanted, each with the colour that it has from above.
        textures: of the same models.
    """

    def __init__(self, models: Mapping[str, Model], used: Iterable[tuple[tuple[str, str], Color | None]], textures: TextureBook) -> None:
        self._models, self._textures = models, textures
        self._materials = dict[tuple[int, ...], SurfaceMaterial]()
        distinct = set[tuple[int, ...]]()
        self._gradients = False
        for (path, number), inherited in used:
            colors = self._corner_colors(models[path].objects[number], path, inherited)
            if colors is not None:
                self._gradients |= bool((colors != colors[:, :1]).any())
                distinct |= {tuple(map(int, color)) for color in np.unique(colors[:, 0], axis=0)}
        self._gradients |= len(distinct) > MAX_MATERIALS

    def submeshes(self, made: ModelObject, path: str, inherited: Color | None) -> list[Submesh]:
        """The triangles of an object in its own frame, one submesh for each material."""
        textured = self._textures.textured(made, path, inherited)
        result = [Submesh(made.vertices, made.triangles[one.triangles], None, None, one.uv, one.material) for one in textured]
        plain = np.ones(len(made.triangles), dtype=bool)
        for one in textured:
            plain[one.triangles] = False
        if not plain.any():
            return result
        colors = self._corner_colors(made, path, inherited)
        return result + self._colored(made.vertices, made.triangles[plain], None if colors is None else colors[plain])

    def _colored(self, vertices: NDArray[np.float64], triangles: NDArray[np.int64], colors: NDArray[np.uint8] | None) -> list[Submesh]:
        if colors is None and not self._gradients:
            return [Submesh(vertices, triangles, None, None, None, _PLAIN)]
        if colors is None:
            colors = np.broadcast_to(np.array(_GREY, dtype=np.uint8), (len(triangles), 3, 4))
        if self._gradients:
            corners = vertices[triangles].reshape(-1, 3)
            return [Submesh(corners, np.arange(len(corners)).reshape(-1, 3), None, colors.reshape(-1, 4).copy(), None, _PLAIN)]
        distinct, which = np.unique(colors[:, 0], axis=0, return_inverse=True)
        return [
            Submesh(vertices, triangles[which.ravel() == number], None, None, None, self._material(tuple(map(int, color))))
            for number, color in enumerate(distinct)
        ]

    def _material(self, color: tuple[int, ...]) -> SurfaceMaterial:
        """One for each colour: each is a shader."""
        if color not in self._materials:
            red, green, blue, alpha = (channel / 255 for channel in color)
            base = (linear(red), linear(green), linear(blue))
            self._materials[color] = _PLAIN if color == _GREY else SurfaceMaterial("color", base_color=base, alpha=alpha)
        return self._materials[color]

    def _corner_colors(self, made: ModelObject, path: str, inherited: Color | None) -> NDArray[np.uint8] | None:
        """(T, 3, 4) sRGB of an object's corners, or None where none has a colour."""
        default = self._color(inherited)
        if default is None and not made.properties:
            return None
        colors = np.empty((len(made.triangles), 3, 4), dtype=np.uint8)
        colors[:] = default or _GREY
        known = dict[Color, tuple[int, ...] | None]()
        colored = default is not None
        for triangle, (group, *numbers) in made.properties.items():
            where = (path, group) if group is not None else inherited[:2] if inherited else None
            if where is None or triangle >= len(colors):
                continue
            for corner, number in enumerate(numbers):
                color = (*where, number)
                if color not in known:
                    known[color] = self._color(color)
                if (value := known[color]) is not None:
                    colors[triangle, corner], colored = value, True
        return colors if colored else None

    def _color(self, color: Color | None) -> tuple[int, ...] | None:
        if color is None:
            return None
        path, group, number = color
        values = self._models[path].colors.get(group, [])
        return values[number] if 0 <= number < len(values) else None
