"""Makes a mesh of glTF files, ``.glb`` and ``.gltf``.

Lengths are metres, as the format says. The frame is the file's own, with y up where its author kept to the format: SAM-6D and others that
load the same file by trimesh have it so, and poses found with the templates are poses of that CAD. (Blender's importer turns it.)
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.formats.gltf_accessors import meant
from serve_app.cad.formats.gltf_accessors import stored as stored_in
from serve_app.cad.formats.gltf_extensions import check_extensions, left_out
from serve_app.cad.formats.gltf_file import GltfFile, open_gltf
from serve_app.cad.formats.gltf_materials import COLORED, UNSAID, GltfLook, gltf_look
from serve_app.cad.formats.gltf_scene import GltfScene, Primitive, placed, read_scene
from serve_app.cad.formats.gltf_textures import GltfTextures
from serve_app.cad.formats.reader import CadContent, CadSource
from serve_app.cad.formats.scene_graph import scene_submeshes
from serve_app.cad.limits import MAX_MATERIALS, CadLimits
from serve_app.cad.mesh.geometry import custom_normals
from serve_app.cad.mesh.parts import unique_names
from serve_app.cad.mesh.submesh import Submesh, compacted
from serve_app.cad.references import ReferenceResolver
from serve_app.cad.refusals import too_large
from serve_app.cad.textures import TextureStore

_MAX_NAME = 200
"""Characters of a part's name."""


def read_gltf(source: CadSource) -> CadContent:
    """Read a glTF file, as text or binary."""
    return CadContent(gltf_submeshes(source.data, source.resolver, source.textures, source.limits), "m")


def gltf_submeshes(data: bytes, resolver: ReferenceResolver, textures: TextureStore, limits: CadLimits) -> list[Submesh]:
    """The submeshes of a glTF file: one for each primitive that a node places, in the file's own frame, in metres.

    A part is what one node places, and has the node's name or else its mesh's.

    Args:
        data: the file.
        resolver: gives buffers and images that lie beside it.
        textures: decodes images, and gathers warnings.
        limits: of the CAD.

    Raises:
        ValueError: what is wrong with it, and what to do.
        ServiceError: ``cad_too_large``.
    """
    gltf = open_gltf(data, resolver)
    check_extensions(gltf)
    textures.warnings += left_out(gltf)
    scene = placed(gltf, limits)
    if scene.others:
        if not any(scene.meshes.values()):
            raise ValueError("it holds points or lines and no triangles; export its surface as a mesh")
        textures.warnings.append("its points and lines are left out")
    primitives = {f"{mesh}/{place}": one for mesh, several in scene.meshes.items() for place, one in enumerate(several)}
    if not primitives:
        return []
    looks = _looks(gltf, primitives, GltfTextures(gltf, textures))
    wanted = {(mesh, place): _wanted(looks[f"{mesh}/{place}"]) for mesh, several in scene.meshes.items() for place in range(len(several))}
    if any("weights" in gltf.entries("nodes")[node] for node in scene.nodes):
        textures.warnings.append("the weights that its nodes give to morph targets are left out: shown with those of their meshes")

    def read(name: str, mesh: Any) -> Submesh:
        return _submesh(gltf, mesh, primitives[name], looks[name], textures)

    parts, names = _parts(gltf, scene)
    return scene_submeshes(read_scene(gltf, scene, wanted), limits, read=read, parts=parts, names=names)


def _looks(gltf: GltfFile, primitives: dict[str, Primitive], images: GltfTextures) -> dict[str, GltfLook]:
    used = dict.fromkeys(one.material for one in primitives.values() if one.material is not None)
    if len(used) > MAX_MATERIALS:
        too_large(f"it uses {len(used)} materials, more than {MAX_MATERIALS}; merge those that look alike")
    of_materials = {number: gltf_look(gltf, number, images) for number in used}
    return {
        name: (COLORED if "COLOR_0" in one.attributes else UNSAID) if one.material is None else of_materials[one.material]
        for name, one in primitives.items()
    }


def _wanted(look: GltfLook) -> set[str]:
    return {"NORMAL", "COLOR_0"} | ({f"TEXCOORD_{look.uv_set}"} if look.material.textures else set())


def _parts(gltf: GltfFile, scene: GltfScene) -> tuple[dict[Hashable, str], dict[Hashable, str]]:
    """The part's name for each node of ``read_scene``, in the file's order, and what messages call that node."""
    nodes, meshes = gltf.entries("nodes"), gltf.entries("meshes")
    having = [node for node in scene.nodes if scene.meshes.get(nodes[node].get("mesh", -1))]
    said = [_name(nodes[node]) or _name(meshes[nodes[node]["mesh"]]) for node in having]
    parts, names = dict[Hashable, str](), dict[Hashable, str]()
    for node, name, part in zip(having, said, unique_names(said), strict=True):
        for place in range(len(scene.meshes[nodes[node]["mesh"]])):
            parts[f"{node}/{place}"], names[f"{node}/{place}"] = part, name or str(node)
    return parts, names


def _name(entry: dict[str, Any]) -> str:
    name = entry.get("name")
    return name[:_MAX_NAME] if isinstance(name, str) else ""


def _submesh(gltf: GltfFile, mesh: Any, primitive: Primitive, look: GltfLook, textures: TextureStore) -> Submesh:
    """A primitive in its own frame, of what trimesh read."""
    position = primitive.attributes["POSITION"]
    faces = np.array(mesh.faces, dtype=np.int64)
    if faces.size and faces.max() >= position.count:
        raise ValueError(f"{primitive.owner} has faces that refer to vertex {faces.max()}, and it has {position.count}")
    used, faces = compacted(mesh.vertices, faces)
    vertices = meant(np.asarray(mesh.vertices)[used], position)
    stored = {name.removeprefix("_"): np.asarray(values)[used] for name, values in mesh.vertex_attributes.items()}
    arrays = {name: meant(values, primitive.attributes[name], fractions=name == "COLOR_0") for name, values in stored.items()}
    for changed, weight in primitive.morphs:
        moved = {name: weight * meant(stored_in(gltf, array)[used], array) for name, array in changed.items()}
        vertices = vertices + moved.get("POSITION", 0.0)
        if "NORMAL" in arrays:
            arrays["NORMAL"] = arrays["NORMAL"] + moved.get("NORMAL", 0.0)
    normals, colors, uv = (arrays.get(name) for name in ("NORMAL", "COLOR_0", f"TEXCOORD_{look.uv_set}"))
    if colors is not None and look.sees_alpha and colors.shape[1] == 4 and (colors[:, 3] < 1.0).any():
        textures.warnings.append(f"{primitive.owner}: the alpha of its vertex colours is left out")
    if uv is None and look.material.textures:
        textures.warnings.append(f"{primitive.owner} has no texture coordinates TEXCOORD_{look.uv_set} for its images: they show one pixel")
    return Submesh(
        vertices,
        faces,
        None if normals is None else custom_normals(normals[faces], vertices, faces),
        None if colors is None else _srgb(colors),
        None if uv is None else _from_below(uv, look)[faces],
        look.material,
    )


def _srgb(colors: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(V, 4) opaque sRGB of linear colours (V, 3 or 4), as IEC 61966-2-1 defines it."""
    linear = np.clip(np.nan_to_num(colors[:, :3]), 0.0, 1.0)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.pad((curved * 255).round(), ((0, 0), (0, 1)), constant_values=255).astype(np.uint8)


def _from_below(uv: NDArray[np.float64], look: GltfLook) -> NDArray[np.float32]:
    """(V, 2) texture coordinates from the lower left of the image."""
    if look.uv_transform is not None:
        uv = uv @ look.uv_transform[:2, :2].T + look.uv_transform[:2, 2]
    flipped = np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1)
    return np.nan_to_num(np.clip(flipped, -1e6, 1e6)).astype(np.float32)
