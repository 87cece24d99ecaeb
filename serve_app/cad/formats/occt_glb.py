"""Takes the arrays out of the GLB that OpenCASCADE writes: one primitive for each face, in the CAD's own frame."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import SurfaceMaterial
from serve_app.cad.formats.scene_graph import transformed
from serve_app.cad.limits import MAX_INSTANCES, MAX_MATERIALS, CadLimits
from serve_app.cad.mesh.geometry import custom_normals
from serve_app.cad.mesh.parts import part_name, unique_names
from serve_app.cad.mesh.submesh import Submesh
from serve_app.cad.refusals import quoted, too_large

_HEADER = 20
_TRIANGLES = 4
_INDEX_TYPES = {5121: "u1", 5123: "<u2", 5125: "<u4"}
"""Types of face indices, by glTF's number."""


@dataclass(frozen=True)
class _Instance:
    """A mesh of the file at its place: ``matrix`` is (4, 4)."""

    mesh: int
    matrix: NDArray[np.float64]


class OcctGlb:
    """The scene of one CAD.

    It is read as the one writer writes it, colours as the numbers that they are: a general reader makes bytes of them.

    Args:
        data: the GLB.

    Attributes:
        triangles: of all instances.
        faces: of the CAD's surfaces that became triangles, instances counted once.
    """

    def __init__(self, data: bytes) -> None:
        length = struct.unpack_from("<I", data, 12)[0]
        self._json: dict[str, Any] = json.loads(data[_HEADER : _HEADER + length], strict=False)
        self._binary = memoryview(data)[_HEADER + length + 8 :]
        self._accessors = self._json.get("accessors", [])
        meshes = self._json.get("meshes", [])
        # Curves that bound no face come as lines.
        self._primitives = [[p for p in mesh["primitives"] if p.get("mode", _TRIANGLES) == _TRIANGLES] for mesh in meshes]
        self._instances = list(self._placed())
        self._parts = unique_names([part_name(meshes[instance.mesh].get("name", "")) for instance in self._instances])
        self.faces = len({primitive["attributes"]["POSITION"] for primitives in self._primitives for primitive in primitives})
        counts = [sum(self._accessors[primitive["indices"]]["count"] for primitive in primitives) // 3 for primitives in self._primitives]
        self.triangles = sum(counts[instance.mesh] for instance in self._instances)

    def diameter(self, parts: tuple[str, ...]) -> float:
        """Diagonal of the box around some parts, or around all, in the unit of the GLB; 0 where there are none."""
        corners = []
        for instance, part in zip(self._instances, self._parts, strict=True):
            if parts and part not in parts:
                continue
            boxes = [self._accessors[primitive["attributes"]["POSITION"]] for primitive in self._primitives[instance.mesh]]
            low, high = np.min([box["min"] for box in boxes], axis=0), np.max([box["max"] for box in boxes], axis=0)
            box = np.stack(np.meshgrid(*zip(low, high, strict=True)), axis=-1).reshape(-1, 3)
            corners.append(_moved(box, instance.matrix))
        return float(np.linalg.norm(np.ptp(np.concatenate(corners), axis=0))) if corners else 0.0

    def submeshes(self, scale: float, limits: CadLimits) -> list[Submesh]:
        """The faces, one submesh for each material of each instance.

        Args:
            scale: what becomes of 1.
            limits: of the CAD.

        Raises:
            ServiceError: ``cad_too_large``.
        """
        if len(self._instances) > MAX_INSTANCES:
            too_large(f"it places {len(self._instances)} parts, more than {MAX_INSTANCES}; join those that belong together")
        limits.check_faces(self.triangles)
        materials = [_material(fields) for fields in self._json.get("materials", [])]
        if len(materials) > MAX_MATERIALS:
            too_large(f"it has {len(materials)} colours, more than {MAX_MATERIALS}; give its faces fewer")
        looks: dict[int | None, SurfaceMaterial] = {None: SurfaceMaterial(), **dict(enumerate(materials))}
        made, submeshes = dict[int, list[Submesh]](), []
        for instance, part in zip(self._instances, self._parts, strict=True):
            if instance.mesh not in made:
                made[instance.mesh] = self._made(instance.mesh, scale, looks)
            matrix = instance.matrix.copy()
            matrix[:3, 3] *= scale
            submeshes += [replace(transformed(submesh, matrix, f"part {quoted(part)}"), part=part) for submesh in made[instance.mesh]]
        return submeshes

    def _placed(self) -> Any:
        """Instances, with the matrices of the nodes above them multiplied."""
        nodes = self._json.get("nodes", [])
        waiting = [(number, np.eye(4)) for scene in self._json["scenes"] for number in reversed(scene["nodes"])]
        while waiting:
            number, above = waiting.pop()
            node = nodes[number]
            matrix = above @ _matrix(node)
            if self._primitives[node["mesh"]] if "mesh" in node else []:
                yield _Instance(node["mesh"], matrix)
            waiting += [(child, matrix) for child in reversed(node.get("children", []))]

    def _made(self, mesh: int, scale: float, looks: dict[int | None, SurfaceMaterial]) -> list[Submesh]:
        """Of one mesh, in its own frame, its faces joined by material."""
        by_material = dict[int | None, list[dict[str, Any]]]()
        for primitive in self._primitives[mesh]:
            by_material.setdefault(primitive.get("material"), []).append(primitive)
        made = []
        for material, primitives in by_material.items():
            parts = [self._array(primitive["attributes"]["POSITION"]) for primitive in primitives]
            starts = np.cumsum([0, *map(len, parts)])
            faces = np.concatenate(
                [
                    self._array(primitive["indices"]).reshape(-1, 3).astype(np.int64) + start
                    for primitive, start in zip(primitives, starts, strict=False)
                ]
            )
            vertices = np.concatenate(parts).astype(np.float64) * scale
            normals = np.concatenate([self._array(primitive["attributes"]["NORMAL"]) for primitive in primitives]).astype(np.float64)
            directions = custom_normals(normals[faces], vertices, faces)
            made.append(Submesh(vertices, faces, directions, None, None, looks[material]))
        return made

    def _array(self, number: int) -> NDArray[Any]:
        accessor = self._accessors[number]
        view = self._json["bufferViews"][accessor["bufferView"]]
        offset, count = view.get("byteOffset", 0) + accessor.get("byteOffset", 0), accessor["count"]
        if accessor["type"] == "VEC3":
            return np.frombuffer(self._binary, "<f4", 3 * count, offset).reshape(-1, 3)
        return np.frombuffer(self._binary, _INDEX_TYPES[accessor["componentType"]], count, offset)


def _material(fields: dict[str, Any]) -> SurfaceMaterial:
    """A colour of the CAD. OpenCASCADE makes linear numbers of it, as glTF has them and we do; the rest of the look is ours."""
    red, green, blue, alpha = fields.get("pbrMetallicRoughness", {}).get("baseColorFactor", (1.0, 1.0, 1.0, 1.0))
    return SurfaceMaterial(name=str(fields.get("name", "")), base_color=(red, green, blue), alpha=alpha)


def _matrix(node: dict[str, Any]) -> NDArray[np.float64]:
    """(4, 4), of a node that has it, or has a turn, a scale and a shift."""
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    turn = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(turn) * np.array(node.get("scale", (1.0, 1.0, 1.0)))
    matrix[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return matrix


def _moved(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])
