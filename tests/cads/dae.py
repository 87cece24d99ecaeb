"""Writes COLLADA files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def document(geometries: str, scene: str, asset: str = "", materials: str = "") -> bytes:
    """A file of geometries and the nodes of its one scene."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">'
        f"<asset>{asset}</asset>{materials}<library_geometries>{geometries}</library_geometries>"
        f'<library_visual_scenes><visual_scene id="scene">{scene}</visual_scene></library_visual_scenes>'
        '<scene><instance_visual_scene url="#scene"/></scene></COLLADA>'
    ).encode()


def source(name: str, values: ArrayLike, axes: str) -> str:
    """A list of numbers with a name for each of its columns."""
    numbers = np.asarray(values, dtype=float).reshape(-1, len(axes))
    accessor = "".join(f'<param name="{axis}" type="float"/>' for axis in axes)
    text = " ".join(f"{value:.9g}" for value in numbers.ravel())
    return (
        f'<source id="{name}"><float_array id="{name}-array" count="{numbers.size}">{text}</float_array><technique_common>'
        f'<accessor source="#{name}-array" count="{len(numbers)}" stride="{len(axes)}">{accessor}</accessor></technique_common></source>'
    )


def geometry(
    name: str,
    vertices: ArrayLike,
    polygons: Sequence[Sequence[int]],
    *,
    material: str = "",
    sources: str = "",
    inputs: str = "",
    indices: Sequence[int] | None = None,
) -> str:
    """A geometry of polygons.

    Further sources have their inputs, and ``indices`` then names, for each corner, a place in each of them.
    """
    corners = indices if indices is not None else [corner for polygon in polygons for corner in polygon]
    symbol = f' material="{material}"' if material else ""
    return (
        f'<geometry id="{name}" name="{name}"><mesh>{source(f"{name}-points", vertices, "XYZ")}{sources}'
        f'<vertices id="{name}-vertices"><input semantic="POSITION" source="#{name}-points"/></vertices>'
        f'<polylist count="{len(polygons)}"{symbol}><input semantic="VERTEX" source="#{name}-vertices" offset="0"/>{inputs}'
        f"<vcount>{' '.join(str(len(polygon)) for polygon in polygons)}</vcount><p>{' '.join(map(str, corners))}</p>"
        "</polylist></mesh></geometry>"
    )


def node(name: str, inside: str, matrix: ArrayLike | None = None) -> str:
    """A node with what is inside of it."""
    moved = "" if matrix is None else "<matrix>" + " ".join(f"{value:.9g}" for value in np.asarray(matrix).ravel()) + "</matrix>"
    return f'<node id="{name}-node" name="{name}">{moved}{inside}</node>'


def instance(name: str, material: str = "") -> str:
    """A geometry where it is placed; ``material`` is the id of one, and the symbol that the geometry calls it by."""
    bound = (
        f'<bind_material><technique_common><instance_material symbol="{material}" target="#{material}"/></technique_common></bind_material>'
        if material
        else ""
    )
    return f'<instance_geometry url="#{name}">{bound}</instance_geometry>'


def materials(**diffuse: str) -> str:
    """Libraries of materials; of each the XML of what its diffuse colour is."""
    effects = "".join(
        f'<effect id="{name}-effect"><profile_COMMON>{_texture_params(value)}<technique sid="common"><lambert><diffuse>{value}</diffuse>'
        f"</lambert></technique></profile_COMMON></effect>"
        for name, value in diffuse.items()
    )
    named = "".join(f'<material id="{name}" name="{name}"><instance_effect url="#{name}-effect"/></material>' for name in diffuse)
    return f"<library_effects>{effects}</library_effects><library_materials>{named}</library_materials>"


def image(path: str) -> str:
    """The library of one image, for a diffuse of ``<texture texture="sampler" texcoord="UV"/>``."""
    return f'<library_images><image id="image"><init_from>{path}</init_from></image></library_images>'


def _texture_params(value: str) -> str:
    if "<texture" not in value:
        return ""
    return (
        '<newparam sid="surface"><surface type="2D"><init_from>image</init_from></surface></newparam>'
        '<newparam sid="sampler"><sampler2D><source>surface</source></sampler2D></newparam>'
    )
