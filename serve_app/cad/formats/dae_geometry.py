"""Makes submeshes of COLLADA's geometries."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import SurfaceMaterial
from serve_app.cad.formats.dae_materials import surface_from_effect
from serve_app.cad.limits import MAX_MATERIALS, CadLimits
from serve_app.cad.mesh.geometry import custom_normals
from serve_app.cad.mesh.polygons import concave_warning, triangulated
from serve_app.cad.mesh.submesh import Submesh
from serve_app.cad.refusals import too_large
from serve_app.cad.textures import TextureStore

_PLAIN = SurfaceMaterial()


class DaeGeometry:
    """Gives the submeshes of geometry nodes, each geometry and each material made once.

    Args:
        textures: of the CAD.
        limits: of the CAD.

    Attributes:
        left_out: kinds of things that are no surfaces and were found.
    """

    def __init__(self, textures: TextureStore, limits: CadLimits) -> None:
        self._textures, self._limits = textures, limits
        self._made = dict[tuple[Any, ...], list[Submesh]]()
        self._materials = dict[int, SurfaceMaterial]()
        self.left_out = set[str]()

    def triangles(self, node: Any) -> int:
        """Of a geometry node."""
        total = 0
        for primitive in self._surfaces(node):
            total += int(np.maximum(primitive.vcounts - 2, 0).sum()) if hasattr(primitive, "vcounts") else primitive.ntriangles
        return total

    def submeshes(self, node: Any) -> list[Submesh]:
        """The triangles of a geometry node in the geometry's frame.

        Raises:
            ValueError: they refer to what is not there.
        """
        looks = {material.symbol: self._material(material.target) for material in getattr(node, "materials", [])}
        if len(looks) == 1:  # What names no material has the only one there is, as in Blender.
            looks[None] = next(iter(looks.values()))
        key = (id(getattr(node, "geometry", None)), *sorted((str(symbol), id(look)) for symbol, look in looks.items()))
        if key not in self._made:
            made = [self._submesh(primitive, looks.get(primitive.material, _PLAIN)) for primitive in self._surfaces(node)]
            self._made[key] = [submesh for submesh in made if submesh is not None]
        return self._made[key]

    def _surfaces(self, node: Any) -> list[Any]:
        if not hasattr(node, "geometry"):
            self.left_out.add("skins and morphs")
            return []
        found = [primitive for primitive in node.geometry.primitives if hasattr(primitive, "vcounts") or hasattr(primitive, "ntriangles")]
        if len(found) < len(node.geometry.primitives):
            self.left_out.add("lines")
        return found

    def _submesh(self, primitive: Any, look: SurfaceMaterial) -> Submesh | None:
        if primitive.vertex is None or not len(primitive.index):
            return None
        vertices = np.asarray(primitive.vertex, dtype=np.float64)
        named = np.asarray(primitive.vertex_index, dtype=np.int64)
        if named.min() < 0 or named.max() >= len(vertices):
            raise ValueError(f"it has faces that refer to vertices it does not have: it has {len(vertices)}, and they name {named.max()}")
        triangles = self._triangles(primitive, vertices, named.ravel())
        if not triangles.ntriangles:
            return None
        faces = np.asarray(triangles.vertex_index, dtype=np.int64)
        normals = uv = colors = None
        if triangles.normal is not None:
            normals = custom_normals(_taken(triangles.normal, triangles.normal_index, "normals"), vertices, faces)
        if triangles.texcoordset and look.textures:
            places = _taken(triangles.texcoordset[0], triangles.texcoord_indexset[0], "texture coordinates")[..., :2]
            uv = np.nan_to_num(np.clip(places, -1e6, 1e6)).astype(np.float32)
        if triangles.sources.get("COLOR"):
            offset, data = triangles.sources["COLOR"][0][0], triangles.sources["COLOR"][0][4].data
            colors = _colors(_taken(data, triangles.index[:, :, offset], "colours"))
            vertices, faces = vertices[faces].reshape(-1, 3), np.arange(faces.size).reshape(-1, 3)
        return Submesh(vertices, faces, normals, colors, uv, look)

    def _triangles(self, primitive: Any, vertices: NDArray[np.float64], named: NDArray[np.int64]) -> Any:
        """Pycollada's TriangleSet of a primitive. It would split every polygon around its first corner."""
        if not hasattr(primitive, "vcounts"):
            return primitive
        from collada.triangleset import TriangleSet

        counts = np.asarray(primitive.vcounts, dtype=np.int64)
        if counts.min(initial=0) < 0 or counts.sum() != len(named):
            raise ValueError("it has polygons with other than the number of corners that <vcount> tells; save it anew")
        places, _, uncut = triangulated(vertices, named, counts)
        self._textures.warnings += concave_warning(uncut)
        return TriangleSet(primitive.sources, primitive.material, np.asarray(primitive.index)[places].ravel(), primitive.xmlnode)

    def _material(self, material: Any) -> SurfaceMaterial:
        effect = getattr(material, "effect", None)
        if effect is None:
            return _PLAIN
        if id(material) not in self._materials:
            if len(self._materials) >= MAX_MATERIALS:
                too_large(f"it uses more than {MAX_MATERIALS} materials; merge those that look alike")
            name = str(getattr(material, "name", None) or getattr(material, "id", None) or "")
            self._materials[id(material)] = surface_from_effect(name, effect, self._textures)
        return self._materials[id(material)]


def _taken(values: Any, indices: Any, what: str) -> NDArray[np.float64]:
    """(F, 3, n) values of the corners."""
    rows, places = np.asarray(values, dtype=np.float64), np.asarray(indices, dtype=np.int64)
    if places.min() < 0 or places.max() >= len(rows):
        raise ValueError(f"it has faces that refer to {what} it does not have: it has {len(rows)}, and they name {places.max()}")
    return np.asarray(rows[places])


def _colors(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(N, 4) of the corners' colours, 0..1, as they are stored."""
    colors = np.full((values.shape[0] * 3, 4), 255, dtype=np.uint8)
    channels = values.reshape(len(colors), -1)[:, :4]
    colors[:, : channels.shape[1]] = (np.nan_to_num(channels).clip(0, 1) * 255).round().astype(np.uint8)
    return colors
