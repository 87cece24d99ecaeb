"""Finds what a glTF file places, checks it, and has trimesh read just that.

trimesh reads all of a file, trusts it, and keeps neither whole numbers' meaning nor a second set of texture coordinates. So it is given a
header of our own: with the arrays that are needed, under names by which it hands them out as they are stored.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.formats.gltf_accessors import Accessor, accessor, stored
from serve_app.cad.formats.gltf_extensions import check_node
from serve_app.cad.formats.gltf_file import GltfFile, called, is_count
from serve_app.cad.limits import MAX_INSTANCES, CadLimits
from serve_app.cad.refusals import too_large

_TRIANGLES, _STRIP, _FAN = 4, 5, 6
_TRANSFORMS = {"matrix": 16, "translation": 3, "rotation": 4, "scale": 3}
_COLUMNS = {"POSITION": (3,), "NORMAL": (3,), "COLOR_0": (3, 4)}


@dataclass(frozen=True)
class Primitive:
    """Triangles with one material.

    Attributes:
        owner: what messages call it.
        mode: 4 for triangles, 5 for a strip, 6 for a fan.
        indices: of the corners, or None where the vertices are the corners in turn.
        attributes: by name, ``POSITION`` at least; all of one length.
        material: number of its material, or None.
        morphs: its morph targets that the file shows, by default: each target's differences by name, and its weight.
    """

    owner: str
    mode: int
    indices: Accessor | None
    attributes: dict[str, Accessor]
    material: int | None
    morphs: tuple[tuple[dict[str, Accessor], float], ...]

    @property
    def faces(self) -> int:
        """Triangles."""
        corners = self.attributes["POSITION"].count if self.indices is None else self.indices.count
        return corners // 3 if self.mode == _TRIANGLES else max(corners - 2, 0)


@dataclass(frozen=True)
class GltfScene:
    """What a file places.

    Attributes:
        roots: numbers of the nodes that have none above.
        nodes: numbers of all nodes in the scene, in the file's order from the root down.
        meshes: the primitives of each mesh that a node places, by its number.
        others: there are points or lines, which are left out.
    """

    roots: list[int]
    nodes: list[int]
    meshes: dict[int, list[Primitive]]
    others: bool


def placed(gltf: GltfFile, limits: CadLimits) -> GltfScene:
    """What the file's own scene places.

    Raises:
        ValueError: it refers to what is not there.
        ServiceError: ``cad_too_large``.
    """
    roots = _roots(gltf)
    nodes = list[int]()
    meshes, others, faces, instances = dict[int, list[Primitive]](), False, 0, 0
    for node in _walk(gltf, roots):
        nodes.append(node)
        entry = gltf.entries("nodes")[node]
        if "mesh" not in entry:
            continue
        gltf.entry("meshes", entry["mesh"], called(entry, "node", node))
        if entry["mesh"] not in meshes:
            meshes[entry["mesh"]], unread = _primitives(gltf, entry["mesh"])
            others = others or unread
        faces += sum(primitive.faces for primitive in meshes[entry["mesh"]])
        instances += len(meshes[entry["mesh"]])
        if instances > MAX_INSTANCES:
            too_large(f"its nodes place more than {MAX_INSTANCES} meshes; join those that belong together")
    limits.check_faces(faces)
    limits.check_vertices(sum(primitive.attributes["POSITION"].count for primitives in meshes.values() for primitive in primitives))
    return GltfScene(roots, nodes, meshes, others)


def _roots(gltf: GltfFile) -> list[int]:
    if gltf.entries("scenes"):
        listed = gltf.entry("scenes", gltf.header.get("scene", 0), "its header").get("nodes", [])
    else:
        below = {child for node in gltf.entries("nodes") for child in _list(node.get("children", []), "children")}
        listed = [node for node in range(len(gltf.entries("nodes"))) if node not in below]
    return [number for number in _list(listed, "scene's nodes") if gltf.entry("nodes", number, "its scene") is not None]


def _walk(gltf: GltfFile, roots: list[int]) -> Iterator[int]:
    waiting, seen = list(reversed(roots)), set[int]()
    while waiting:
        number = waiting.pop()
        node = gltf.entries("nodes")[number]
        what = called(node, "node", number)
        if number in seen:
            raise ValueError(f"{what} stands below two others or below itself; the file is damaged")
        seen.add(number)
        check_node(node, what)
        for key, length in _TRANSFORMS.items():
            numbers = node.get(key, [0.0] * length)
            if not (isinstance(numbers, list) and len(numbers) == length and all(_is_number(value) for value in numbers)):
                raise ValueError(f"{what} has a {key} that is not {length} numbers")
        yield number
        children = _list(node.get("children", []), f"children of {what}")
        waiting += [child for child in reversed(children) if gltf.entry("nodes", child, what) is not None]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e300


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list) or not all(is_count(item) for item in value):
        raise ValueError(f"its {what} are no list of numbers")
    return value


def _primitives(gltf: GltfFile, number: int) -> tuple[list[Primitive], bool]:
    """The triangles of a mesh, and whether it has others than these."""
    mesh = gltf.entries("meshes")[number]
    listed, found, others = mesh.get("primitives", []), [], False
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise ValueError(f"{called(mesh, 'mesh', number)} has no list of primitives")
    for place, entry in enumerate(listed):
        owner = called(mesh, "mesh", number) + (f", primitive {place}" if len(listed) > 1 else "")
        mode = entry.get("mode", _TRIANGLES)
        if mode not in (_TRIANGLES, _STRIP, _FAN):
            others = True
            continue
        found.append(_primitive(gltf, entry, owner, mode, _weights(mesh, called(mesh, "mesh", number))))
    return [primitive for primitive in found if primitive.faces], others


def _weights(mesh: dict[str, Any], owner: str) -> list[float]:
    weights = mesh.get("weights", [])
    if not isinstance(weights, list) or not all(_is_number(weight) for weight in weights):
        raise ValueError(f"{owner} has weights that are no list of numbers")
    return weights


def _morphs(
    gltf: GltfFile, entry: dict[str, Any], owner: str, count: int, weights: list[float]
) -> Iterator[tuple[dict[str, Accessor], float]]:
    """The targets that are shown: most files have them for an animation, and weights of 0."""
    targets = entry.get("targets", [])
    if not isinstance(targets, list) or not all(isinstance(target, dict) for target in targets):
        raise ValueError(f"{owner} has targets that are no list of objects")
    for target, weight in zip(targets, weights, strict=False):
        if weight:
            changed = {name: accessor(gltf, target[name], f"target of {owner}") for name in ("POSITION", "NORMAL") if name in target}
            for array in changed.values():
                if array.columns != 3 or array.count != count:
                    raise ValueError(f"a target of {owner} has {array.count} entries of {array.columns}, and its POSITION {count} of 3")
            yield changed, float(weight)


def _primitive(gltf: GltfFile, entry: dict[str, Any], owner: str, mode: int, weights: list[float]) -> Primitive:
    listed = entry.get("attributes")
    if not isinstance(listed, dict) or "POSITION" not in listed:
        raise ValueError(f"{owner} has no POSITION; the file is damaged")
    attributes = {
        name: accessor(gltf, index, f"{name} of {owner}")
        for name, index in listed.items()
        if name in _COLUMNS or name.startswith("TEXCOORD_")
    }
    for name, array in attributes.items():
        if array.columns not in _COLUMNS.get(name, (2,)):
            raise ValueError(f"accessor {array.index} has {array.columns} numbers a row, which {name} of {owner} cannot have")
        if array.count != attributes["POSITION"].count:
            raise ValueError(f"{name} of {owner} has {array.count} entries, and its POSITION has {attributes['POSITION'].count}")
    indices = accessor(gltf, entry["indices"], f"indices of {owner}") if "indices" in entry else None
    if indices is not None and (indices.columns != 1 or not indices.unsigned):
        raise ValueError(f"accessor {indices.index} is no list of whole numbers, which the indices of {owner} must be")
    if indices is not None and indices.count and not attributes["POSITION"].count:
        raise ValueError(f"{owner} has faces and no vertices; the file is damaged")
    corners = attributes["POSITION"].count if indices is None else indices.count
    if mode == _TRIANGLES and corners % 3:
        raise ValueError(f"{owner} has {corners} corners, which make no whole number of triangles")
    material = entry.get("material")
    if material is not None:
        gltf.entry("materials", material, owner)
    return Primitive(owner, mode, indices, attributes, material, tuple(_morphs(gltf, entry, owner, attributes["POSITION"].count, weights)))


def read_scene(gltf: GltfFile, scene: GltfScene, wanted: dict[tuple[int, int], set[str]]) -> Any:
    """The scene as trimesh reads it.

    Args:
        gltf: the file.
        scene: what of it is read.
        wanted: for each primitive, by mesh and place in ``scene.meshes``, the attributes that are read beside ``POSITION``.

    Returns:
        ``trimesh.Scene``. A primitive is the geometry ``MESH/PLACE``, placed by the node ``NODE/PLACE``; its attributes stand in
        ``vertex_attributes`` with a line before their names, as they are stored.
    """
    import trimesh  # A second, that no other format pays.

    header, files = _rewritten(gltf, scene, wanted)
    return trimesh.load_scene(io.BytesIO(json.dumps(header).encode()), file_type="gltf", resolver=files, process=False)


def _rewritten(gltf: GltfFile, scene: GltfScene, wanted: dict[tuple[int, int], set[str]]) -> tuple[dict[str, Any], dict[str, memoryview]]:
    views: dict[int, int] = {}
    accessors: dict[int, int] = {}
    files: dict[str, memoryview] = {}
    header: dict[str, Any] = {key: [] for key in ("buffers", "bufferViews", "accessors", "meshes", "nodes")}

    def view(index: int) -> int:
        if index not in views:
            views[index] = len(header["bufferViews"])
            data = gltf.view(index, "its header")
            files[str(index)] = data
            stride = {key: value for key, value in gltf.entries("bufferViews")[index].items() if key == "byteStride"}
            header["buffers"].append({"uri": str(index), "byteLength": len(data)})
            header["bufferViews"].append({"buffer": views[index], "byteLength": len(data), **stride})
        return views[index]

    def made(values: NDArray[Any], kind: dict[str, Any]) -> int:
        name, data = f"made {len(header['accessors'])}", memoryview(values.tobytes())
        files[name] = data
        header["buffers"].append({"uri": name, "byteLength": len(data)})
        header["bufferViews"].append({"buffer": len(header["buffers"]) - 1, "byteLength": len(data)})
        header["accessors"].append({**kind, "count": len(values), "bufferView": len(header["bufferViews"]) - 1})
        return len(header["accessors"]) - 1

    def array(one: Accessor) -> int:
        if one.index not in accessors:
            kind = {key: one.header[key] for key in ("componentType", "type")}
            if "sparse" in one.header:
                accessors[one.index] = made(stored(gltf, one), kind)
            else:
                accessors[one.index] = len(header["accessors"])
                kept: dict[str, Any] = {key: one.header[key] for key in ("count", "byteOffset") if key in one.header}
                header["accessors"].append({**kind, **kept, "bufferView": view(one.header["bufferView"])})
        return accessors[one.index]

    def corners(one: Primitive) -> int | None:
        if one.mode == _FAN:
            return made(_fan(gltf, one), {"componentType": 5125, "type": "SCALAR"})
        return None if one.indices is None else array(one.indices)

    of_meshes: dict[tuple[int, int], int] = {}
    for mesh, primitives in scene.meshes.items():
        for place, primitive in enumerate(primitives):
            names = {"POSITION": "POSITION"}
            names |= {name: f"_{name}" for name in primitive.attributes if name in wanted[mesh, place]}
            entry: dict[str, Any] = {"mode": _TRIANGLES if primitive.mode == _FAN else primitive.mode}
            entry["attributes"] = {names[name]: array(one) for name, one in primitive.attributes.items() if name in names}
            if (indices := corners(primitive)) is not None:
                entry["indices"] = indices
            of_meshes[mesh, place] = len(header["meshes"])
            header["meshes"].append({"name": f"{mesh}/{place}", "primitives": [entry]})
    numbers = {node: place for place, node in enumerate(scene.nodes)}
    for node in scene.nodes:
        old = gltf.entries("nodes")[node]
        children = [numbers[child] for child in old.get("children", [])]
        transform = {key: old[key] for key in _TRANSFORMS if key in old}
        header["nodes"].append({"name": str(node), "children": children, **transform})
    for node in scene.nodes:
        number = gltf.entries("nodes")[node].get("mesh", -1)
        for place in range(len(scene.meshes.get(number, ()))):
            header["nodes"][numbers[node]]["children"].append(len(header["nodes"]))
            header["nodes"].append({"name": f"{node}/{place}", "mesh": of_meshes[number, place]})
    header |= {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [numbers[root] for root in scene.roots]}]}
    return header, files


def _fan(gltf: GltfFile, primitive: Primitive) -> NDArray[np.uint32]:
    """(3 F,) corners of the triangles of a fan, which all have its first corner; in the order of the format."""
    indices, count = primitive.indices, primitive.attributes["POSITION"].count
    around = (np.arange(count) if indices is None else stored(gltf, indices).ravel()).astype(np.uint32)
    return np.stack([around[1:-1], around[2:], np.full(len(around) - 2, around[0])], axis=1).ravel()
